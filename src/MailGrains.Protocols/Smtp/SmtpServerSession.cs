using System.IO.Pipelines;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp;

/// <summary>One SMTP connection, server side.</summary>
public sealed class SmtpServerSession(SmtpServerOptions options, ISmtpBackend backend, TimeProvider timeProvider)
{
    /// <summary>
    /// Runs the session to its end; throws nothing for what a client does. The caller completes the transport and disposes the backend.
    /// </summary>
    /// <param name="shutdown">Ends the session with 421 4.3.2 between transactions; content that is flowing is taken first.</param>
    /// <param name="aborted">The connection is gone, or must go now; handed to the backend.</param>
    public async Task<SessionEnd> RunAsync(IDuplexPipe transport, CancellationToken shutdown, CancellationToken aborted = default)
    {
        _ = (options, backend, timeProvider);
        await transport.Output.WriteAsync(SmtpReply.ShuttingDown421.Wire, aborted);
        return SessionEnd.Shutdown;
    }
}
