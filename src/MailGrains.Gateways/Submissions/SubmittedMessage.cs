using System.Buffers;
using System.Security.Cryptography;
using MailGrains.Gateways.Smtp;
using MailGrains.Messages.Submission;
using MailGrains.Protocols.Smtp;

namespace MailGrains.Gateways.Submissions;

/// <summary>
/// What a client submits, on its way to the message: the header section is gathered, checked and repaired, then the body flows on as it comes. A
/// repeat is recognised by what was received, and only where that had a Message-ID of its own: the one that is added here differs each time.
/// </summary>
public sealed class SubmittedMessage(IncomingMessage message, Submission submission, bool smtpUtf8) : ISmtpContentSink
{
    /// <summary>The session's own limit comes first.</summary>
    public const int MaxHeaderBytes = 512 * 1024;

    private ArrayBufferWriter<byte>? _gathered = new(4 * 1024);
    private SubmittedHeader? _header;
    private IncrementalHash? _hash;

    public async ValueTask<SmtpReply?> WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        if (_gathered is null)
        {
            _hash?.AppendData(piece.Span);
            return await message.WriteAsync(piece, cancellationToken);
        }

        var searched = _gathered.WrittenCount;
        _gathered.Write(piece.Span);
        var end = HeaderRepair.EndOfSection(_gathered.WrittenSpan, searched);
        return end >= 0 ? await PassOnAsync(end, cancellationToken)
            : _gathered.WrittenCount > MaxHeaderBytes ? SmtpReply.HeaderTooLarge552
            : null;
    }

    public async ValueTask<SmtpReply> CompleteAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await EndAsync(cancellationToken);
        }
        finally
        {
            _hash?.Dispose();

            // Where one recipient of several failed the reply is a failure, and the others have their copies.
            if (message.MayBeKept)
            {
                submission.Sent();
            }
            else
            {
                await submission.GiveBackAsync();
            }
        }
    }

    public async ValueTask AbortAsync(SmtpContentFailure reason)
    {
        _hash?.Dispose();
        await message.AbortAsync(reason);
        await submission.GiveBackAsync();
    }

    private async ValueTask<SmtpReply> EndAsync(CancellationToken cancellationToken)
    {
        try
        {
            // A message that ends within its header.
            if (_gathered is not null && await PassOnAsync(_gathered.WrittenCount, cancellationToken) is { } refusal)
            {
                await message.AbortAsync(SmtpContentFailure.SinkRefused);
                return refusal;
            }
        }
        catch
        {
            await message.AbortAsync(SmtpContentFailure.SinkRefused);
            throw;
        }

        message.AsReceived = _header is { IsChanged: true, HadMessageId: var had } ? new AsReceived(had, _hash?.GetHashAndReset() ?? []) : null;
        return await message.CompleteAsync(cancellationToken);
    }

    private async ValueTask<SmtpReply?> PassOnAsync(int end, CancellationToken cancellationToken)
    {
        var gathered = _gathered!.WrittenMemory;
        var header = submission.Repair(gathered[..end], smtpUtf8);
        if (await submission.CheckHeaderAsync(header, cancellationToken) is { } refusal)
        {
            return refusal;
        }

        (_header, _gathered) = (header, null);
        if (!header.IsChanged)
        {
            return await message.WriteAsync(gathered, cancellationToken);
        }

        if (header.HadMessageId)
        {
            _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            _hash.AppendData(gathered.Span);
        }

        return await message.WriteAsync(header.Repaired, cancellationToken) ??
            (end < gathered.Length ? await message.WriteAsync(gathered[end..], cancellationToken) : null);
    }
}
