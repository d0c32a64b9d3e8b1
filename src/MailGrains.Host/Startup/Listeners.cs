using System.Net;
using MailGrains.Gateways.Connections;
using MailGrains.Gateways.Pop3;
using MailGrains.Gateways.Smtp;
using MailGrains.Host.Configuration;
using MailGrains.Protocols.Tls;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace MailGrains.Host.Startup;

/// <summary>Kestrel's listeners of this process, and after the start their actual addresses.</summary>
internal sealed class Listeners(HostSettings settings)
{
    private readonly List<(string Name, ListenOptions Options)> _open = [];

    public void Configure(KestrelServerOptions kestrel)
    {
        if (settings.Has(HostRoles.Gateway))
        {
            ListenForSmtp(kestrel, "smtp", settings.Endpoints.Smtp, SmtpListener.Exchange);
            ListenForSmtp(kestrel, "submission", settings.Endpoints.Submission, SmtpListener.Submission);
            ListenForSmtp(kestrel, "submissions", settings.Endpoints.Submissions, SmtpListener.Submissions);
            ListenForPop3(kestrel, "pop3", settings.Endpoints.Pop3, implicitTls: false);
            ListenForPop3(kestrel, "pop3s", settings.Endpoints.Pop3s, implicitTls: true);
        }

        Listen(kestrel, "http", settings.Endpoints.Http, static _ => { });
        Listen(kestrel, "https", settings.Endpoints.Https, options =>
        {
            var certificates = options.ApplicationServices.GetRequiredService<TlsCertificates>();
            options.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = handshake => new(certificates(handshake.ClientHelloInfo.ServerName).ServerOptions()),
            });
        });
    }

    /// <summary><c>smtp=127.0.0.1:2525 http=…</c></summary>
    public override string ToString() => string.Join(' ', _open.Select(l => $"{l.Name}={l.Options.EndPoint}"));

    private void ListenForSmtp(KestrelServerOptions kestrel, string name, IPEndPoint? endPoint, SmtpListener listener) =>
        ListenForMail(kestrel, name, endPoint, services =>
        {
            var gateway = services.GetRequiredService<SmtpGateway>();
            return connection => gateway.RunAsync(connection, listener);
        });

    private void ListenForPop3(KestrelServerOptions kestrel, string name, IPEndPoint? endPoint, bool implicitTls) =>
        ListenForMail(kestrel, name, endPoint, services =>
        {
            var gateway = services.GetRequiredService<Pop3Gateway>();
            return connection => gateway.RunAsync(connection, implicitTls);
        });

    private void ListenForMail(
        KestrelServerOptions kestrel, string name, IPEndPoint? endPoint, Func<IServiceProvider, Func<ConnectionContext, Task>> gateway) =>
        Listen(kestrel, name, endPoint, options =>
        {
            options.Use(options.ApplicationServices.GetRequiredService<ProxyProtocol>().Before);
            options.Run(gateway(options.ApplicationServices));
        });

    private void Listen(KestrelServerOptions kestrel, string name, IPEndPoint? endPoint, Action<ListenOptions> configure)
    {
        if (endPoint is not null)
        {
            kestrel.Listen(endPoint, options =>
            {
                _open.Add((name, options));
                configure(options);
            });
        }
    }
}
