using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Tests.Relay.Destinations;

/// <summary>An HTTPS server of policies on loopback; its certificate is for the policy host of the name that the client asks for.</summary>
public sealed class PolicyServer : IAsyncLifetime
{
    private WebApplication? _app;
    private int _requests;

    internal TestAuthority Authority { get; } = new();

    public int Port { get; private set; }

    public int Requests => Volatile.Read(ref _requests);

    /// <summary>The certificate that is shown; null: one that is good.</summary>
    public Func<string, X509Certificate2>? Certificate { get; set; }

    public Func<HttpContext, Task> Answer { get; set; } = Policy("version: STSv1\nmode: none\nmax_age: 86400\n");

    public static Func<HttpContext, Task> Policy(string text, string contentType = "text/plain; charset=utf-8") => context =>
    {
        context.Response.ContentType = contentType;
        return context.Response.WriteAsync(text, context.RequestAborted);
    };

    public static Func<HttpContext, Task> Of(string mode, string mx, int maxAge = 604_800) =>
        Policy($"version: STSv1\r\nmode: {mode}\r\n{string.Concat(mx.Split(' ').Select(name => $"mx: {name}\r\n"))}max_age: {maxAge}\r\n");

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            OnConnection = hello => ValueTask.FromResult(Tls(hello.ClientHelloInfo.ServerName)),
        })));
        _app = builder.Build();
        _app.Run(context =>
        {
            Interlocked.Increment(ref _requests);
            return context.Request.Path == "/.well-known/mta-sts.txt" ? Answer(context) : Task.CompletedTask;
        });
        await _app.StartAsync();
        Port = new Uri(_app.Urls.Single()).Port;
    }

    private SslServerAuthenticationOptions Tls(string name) => new()
    {
        ServerCertificateContext = SslStreamCertificateContext.Create(
            Certificate?.Invoke(name) ?? Authority.Issue(name), [Authority.Intermediate], offline: true),
    };

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.StopAsync(new CancellationToken(canceled: true));
            await _app.DisposeAsync();
        }

        Authority.Dispose();
    }
}
