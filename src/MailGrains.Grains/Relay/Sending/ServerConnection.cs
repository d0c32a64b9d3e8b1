using MailGrains.Grains.Relay.Routing;
using MailGrains.Protocols.Smtp.Client;

namespace MailGrains.Grains.Relay.Sending;

/// <summary>An open connection to a server that is ready for mail.</summary>
/// <param name="hostIndex">The host's, among the target's.</param>
internal sealed class ServerConnection(SocketTransport transport, SmtpClientConnection smtp, TargetHost host, int hostIndex)
{
    public SmtpClientConnection Smtp => smtp;

    public string Host => host.Host.Name;

    public int HostIndex => hostIndex;

    /// <summary>Says QUIT where that can still be said; else the server sees a failure, and takes no half message for a whole one.</summary>
    public async Task CloseAsync()
    {
        var isInStep = !smtp.HasEnded;
        if (isInStep)
        {
            await smtp.QuitAsync();
        }

        await smtp.DisposeAsync();
        if (isInStep)
        {
            transport.Dispose();
        }
        else
        {
            transport.Abort();
        }
    }
}
