using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Connections;

/// <summary>
/// Kestrel's middleware before every mail listener. From the configured proxies a PROXY header is required: without one the connection would
/// count as the proxy's own, with the proxy's rights. From any other address a header is the client's data, which its protocol refuses, so that nobody
/// can choose the own address.
/// </summary>
public sealed partial class ProxyProtocol(ConnectionOptions options, TimeProvider time, ILogger<ProxyProtocol> logger)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public ConnectionDelegate Before(ConnectionDelegate next) => connection => OnConnectedAsync(connection, next);

    private Task OnConnectedAsync(ConnectionContext connection, ConnectionDelegate next) =>
        connection.RemoteEndPoint is IPEndPoint { Address: var address } && options.ProxyNetworks.Contains(address)
            ? ReadAndGoOnAsync(connection, address, next)
            : next(connection);

    private async Task ReadAndGoOnAsync(ConnectionContext connection, IPAddress proxy, ConnectionDelegate next)
    {
        if (await ReadAsync(connection.Transport.Input, proxy) is not { } header)
        {
            return;
        }

        connection.RemoteEndPoint = header.Source ?? connection.RemoteEndPoint;
        connection.LocalEndPoint = header.Destination ?? connection.LocalEndPoint;
        connection.Features.Set(header);
        await next(connection);
    }

    /// <summary>Null: there is none, and the log says so.</summary>
    private async Task<ProxyHeader?> ReadAsync(PipeReader input, IPAddress proxy)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        try
        {
            while (true)
            {
                var result = await input.ReadAsync(patience.Token);
                var parse = ProxyHeaderParser.Parse(result.Buffer, out var header, out var length);
                if (parse == ProxyParse.Done)
                {
                    input.AdvanceTo(result.Buffer.GetPosition(length));
                    return header;
                }

                var isSilent = result.Buffer.IsEmpty;
                input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                if (parse == ProxyParse.Invalid)
                {
                    LogRefused(proxy, "what it sent is no PROXY header");
                    return null;
                }

                if (result.IsCompleted)
                {
                    LogClosed(isSilent ? LogLevel.Debug : LogLevel.Warning, proxy);
                    return null;
                }
            }
        }
        catch (OperationCanceledException)
        {
            LogRefused(proxy, "its PROXY header did not come in time");
        }
        catch (Exception e) when (e is IOException or ConnectionAbortedException)
        {
            LogClosed(LogLevel.Debug, proxy);
        }

        return null;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Connection from the proxy {Address} closed: {Why}")]
    private partial void LogRefused(IPAddress address, string why);

    // A proxy that only looks whether the port is open says nothing at all.
    [LoggerMessage(Message = "The proxy {Address} closed its connection before the end of a PROXY header")]
    private partial void LogClosed(LogLevel level, IPAddress address);
}
