using System.IO.Pipelines;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Pop3;

/// <summary>One POP3 connection, server side.</summary>
/// <param name="allowsClearTextLogin">False: USER and AUTH are neither offered nor taken on this connection.</param>
public sealed class Pop3ServerSession(Pop3ServerOptions options, IPop3Backend backend, bool allowsClearTextLogin, TimeProvider timeProvider)
{
    /// <summary>
    /// Runs the session to its end; throws nothing for what a client does. The caller completes the transport and disposes the backend; the
    /// session disposes the maildrop.
    /// </summary>
    /// <param name="shutdown">Ends the session between commands; nothing that was marked as deleted is removed.</param>
    /// <param name="aborted">The connection is gone, or must go now; handed to the backend.</param>
    public async Task<SessionEnd> RunAsync(IDuplexPipe transport, CancellationToken shutdown, CancellationToken aborted = default)
    {
        _ = (options, backend, allowsClearTextLogin, timeProvider);
        await transport.Output.WriteAsync("-ERR [SYS/TEMP] shutting down\r\n"u8.ToArray(), aborted);
        return SessionEnd.Shutdown;
    }
}
