using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;

namespace MailGrains.Protocols.Tls;

/// <summary>One end of a TLS connection over another transport, which it leaves open.</summary>
internal sealed class TlsTransport : IDuplexPipe, IAsyncDisposable
{
    private static readonly StreamPipeReaderOptions Reading = new(leaveOpen: true, useZeroByteReads: true);
    private static readonly StreamPipeWriterOptions Writing = new(leaveOpen: true);

    private readonly SslStream _stream;

    private TlsTransport(SslStream stream, TlsFacts facts)
    {
        _stream = stream;
        Facts = facts;
        Input = PipeReader.Create(stream, Reading);
        Output = PipeWriter.Create(stream, Writing);
    }

    public TlsFacts Facts { get; }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    /// <summary>The server's handshake. What it throws is the peer's doing: <see cref="AuthenticationException"/>, <see cref="IOException"/>, or time is over.</summary>
    /// <param name="isLate">Whether the present write has had its time.</param>
    /// <exception cref="OperationCanceledException">The handshake took too long.</exception>
    public static async Task<TlsTransport> AcceptAsync(
        IDuplexPipe transport, TlsCertificates certificates, Func<bool> isLate, CancellationToken cancellationToken)
    {
        var stream = new SslStream(new PipeStream(transport, isLate), leaveInnerStreamOpen: false);
        try
        {
            string? serverName = null;
            TlsCertificate? chosen = null;
            await stream.AuthenticateAsServerAsync(
                (_, hello, _, _) =>
                {
                    serverName = hello.ServerName.Length == 0 ? null : hello.ServerName;
                    chosen = certificates(serverName);
                    return new(chosen.ServerOptions());
                },
                null,
                cancellationToken);
            return new TlsTransport(
                stream,
                new TlsFacts(stream.SslProtocol, stream.NegotiatedCipherSuite.ToString(), serverName, chosen?.EndPointBinding ?? default));
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    /// <summary>The client's handshake. It throws as the server's does, and <see cref="TlsRefusedException"/> where the policy refused the peer.</summary>
    /// <exception cref="OperationCanceledException">The handshake took too long.</exception>
    public static async Task<TlsTransport> ConnectAsync(
        IDuplexPipe transport, TlsClientPolicy policy, Func<bool> isLate, CancellationToken cancellationToken)
    {
        var stream = new SslStream(new PipeStream(transport, isLate), leaveInnerStreamOpen: false);
        TlsFailure? refusal = null;
        try
        {
            await stream.AuthenticateAsClientAsync(policy.ClientOptions(failure => refusal = failure), cancellationToken);
            return new TlsTransport(
                stream, new TlsFacts(stream.SslProtocol, stream.NegotiatedCipherSuite.ToString(), policy.ServerName, EndPointBinding: default));
        }
        catch (Exception failure)
        {
            await stream.DisposeAsync();
            if (refusal is not null)
            {
                throw new TlsRefusedException(refusal, failure);
            }

            throw;
        }
    }

    /// <summary>Says the end (close_notify), where the peer still takes it.</summary>
    public async ValueTask CloseAsync()
    {
        try
        {
            await _stream.ShutdownAsync();
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // The peer has gone without it.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Input.CompleteAsync();

        // With a reason: what could not be written must not be tried again, now that no deadline watches.
        await Output.CompleteAsync(new IOException("The connection is closed."));
        await _stream.DisposeAsync();
    }
}
