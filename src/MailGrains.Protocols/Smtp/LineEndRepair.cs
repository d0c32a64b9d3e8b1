using System.Buffers;

namespace MailGrains.Protocols.Smtp;

/// <summary>
/// Makes CRLF of every bare CR and LF on the way to a sink: a submission server mends what a user's program sends (RFC 6409 §8). A piece
/// that needs nothing passes as it is.
/// </summary>
/// <param name="maxBytes">Of what comes out: a bare LF becomes two octets.</param>
internal sealed class LineEndRepair(ISmtpContentSink sink, long maxBytes) : ISmtpContentSink
{
    private readonly ArrayBufferWriter<byte> _mended = new();

    // A CR at the end of a piece: what it is shows with the next octet.
    private bool _holdsCr;
    private long _bytes;

    public ValueTask<SmtpReply?> WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        if (!_holdsCr && IsWhole(piece.Span))
        {
            return PassOnAsync(piece, cancellationToken);
        }

        _mended.ResetWrittenCount();
        Mend(piece.Span);
        return _mended.WrittenCount == 0 ? default : PassOnAsync(_mended.WrittenMemory, cancellationToken);
    }

    public async ValueTask<SmtpReply> CompleteAsync(CancellationToken cancellationToken)
    {
        if (_holdsCr && await EndHeldLineAsync(cancellationToken) is { } refusal)
        {
            return refusal;
        }

        return await sink.CompleteAsync(cancellationToken);
    }

    public ValueTask AbortAsync(SmtpContentFailure reason) => sink.AbortAsync(reason);

    // The session has made its last call: whatever goes wrong now, the sink hears its end from here.
    private async ValueTask<SmtpReply?> EndHeldLineAsync(CancellationToken cancellationToken)
    {
        SmtpReply? refusal;
        try
        {
            refusal = await PassOnAsync("\r\n"u8.ToArray(), cancellationToken);
        }
        catch
        {
            await sink.AbortAsync(SmtpContentFailure.SinkRefused);
            throw;
        }

        if (refusal is not null)
        {
            await sink.AbortAsync(SmtpContentFailure.SinkRefused);
        }

        return refusal;
    }

    private ValueTask<SmtpReply?> PassOnAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken) =>
        (_bytes += piece.Length) > maxBytes ? new(SmtpReply.MessageTooLarge552) : sink.WriteAsync(piece, cancellationToken);

    private static bool IsWhole(ReadOnlySpan<byte> piece)
    {
        while (piece.IndexOfAny((byte)'\r', (byte)'\n') is var at && at >= 0)
        {
            if (piece[at] == '\n' || at + 1 == piece.Length || piece[at + 1] != '\n')
            {
                return false;
            }

            piece = piece[(at + 2)..];
        }

        return true;
    }

    private void Mend(ReadOnlySpan<byte> piece)
    {
        while (!piece.IsEmpty)
        {
            if (_holdsCr)
            {
                _holdsCr = false;
                _mended.Write("\r\n"u8);
                piece = piece[0] == '\n' ? piece[1..] : piece;
                continue;
            }

            var at = piece.IndexOfAny((byte)'\r', (byte)'\n');
            _mended.Write(at < 0 ? piece : piece[..at]);
            if (at < 0)
            {
                return;
            }

            if (piece[at] == '\r')
            {
                _holdsCr = true;
            }
            else
            {
                _mended.Write("\r\n"u8);
            }

            piece = piece[(at + 1)..];
        }
    }
}
