using System.Buffers;
using System.Globalization;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Client;

/// <summary>
/// Sends the content of one mail, as DATA or in chunks, as fast as the server takes it; no more than one buffer of it is held. Before its end is written the
/// content has been found whole and free of bare CR and LF, nothing unasked has come, and the caller has allowed it. Whatever of ours fails before that
/// ends the connection, so the server never sees an end.
/// </summary>
internal sealed class ContentSender(SmtpClientConnection connection, OutgoingMail mail, bool pipelines)
{
    private const int BlockBytes = 16 << 10;

    /// <summary>A CRLF.</summary>
    private const int MinChunkBytes = 2;

    /// <summary>Chunks whose replies are waited for: their replies must find room on the way while we write.</summary>
    private const int MaxUnanswered = 8;

    /// <summary>Chunks before the last.</summary>
    private int _unanswered;

    /// <summary>How it went for every recipient that was accepted; uncertain when the end was sent and no sense came back.</summary>
    public async ValueTask<(SmtpResult Result, bool Uncertain)> SendAsync(bool inChunks)
    {
        var most = inChunks ? Math.Max(connection.Options.ChunkBytes, MinChunkBytes) : BlockBytes;
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(mail.Content.Length, MinChunkBytes, most));
        SmtpResult? refusal;
        try
        {
            await using var content = new ContentReader(mail.Content, mail.Parameters.Body == BodyType.BinaryMime);
            var block = buffer.AsMemory(0, Math.Min(buffer.Length, most));
            refusal = inChunks ? await SendChunksAsync(content, block) : await SendDottedAsync(content, block);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // The caller's stream or callback.
            refusal = connection.Aborted.IsCancellationRequested
                ? Drop(SmtpVerdict.Temporary, SmtpCause.Aborted, "aborted")
                : Drop(SmtpVerdict.Temporary, SmtpCause.LocalFailure, "the message could not be read to its end") with { Failure = failure };
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return refusal is null ? await FinishAsync() : (refusal, false);
    }

    /// <summary>Null: all of it is written, with its end.</summary>
    private async ValueTask<SmtpResult?> SendDottedAsync(ContentReader content, Memory<byte> block)
    {
        var stuffer = new DotStuffer();
        while (!content.IsAtEnd)
        {
            var length = await content.ReadAsync(block, connection.Aborted);
            if (content.Fault is { } fault)
            {
                return Drop(fault);
            }

            stuffer.Write(block.Span[..length], connection.Channel);
            if (!await connection.Channel.FlushWhenFullAsync())
            {
                return await HearLastWordsAsync();
            }
        }

        if (await RefuseEndAsync() is { } refusal)
        {
            return refusal;
        }

        stuffer.Finish(connection.Channel);
        return null;
    }

    /// <summary>BDAT (RFC 3030 §2), with LAST on the last. Null: all of it is written; answers to the last chunks are due.</summary>
    private async ValueTask<SmtpResult?> SendChunksAsync(ContentReader content, Memory<byte> block)
    {
        var held = 0;
        while (true)
        {
            var length = held + await content.ReadAsync(block[held..], connection.Aborted);
            if (content.Fault is { } fault)
            {
                return Drop(fault);
            }

            var isLast = content.IsAtEnd;
            if (isLast && await RefuseEndAsync() is { } refusal)
            {
                return refusal;
            }

            // A chunk does not end between CR and LF: whoever looks at it alone would see a bare CR.
            held = !isLast && block.Span[length - 1] == '\r' ? 1 : 0;
            connection.Write(string.Create(CultureInfo.InvariantCulture, $"BDAT {length - held}{(isLast ? " LAST" : "")}"));
            connection.Channel.Write(block.Span[..(length - held)]);
            if (isLast)
            {
                return null;
            }

            block.Span[0] = held > 0 ? (byte)'\r' : block.Span[0];
            _unanswered++;
            if (!await connection.Channel.FlushAsync())
            {
                return await HearLastWordsAsync();
            }

            if (await HearChunksAsync() is { } failure)
            {
                return failure;
            }
        }
    }

    /// <summary>What stands against the end of the content, when all else is there; null: nothing.</summary>
    private async ValueTask<SmtpResult?> RefuseEndAsync()
    {
        if (mail.MayEnd is { } mayEnd && !await mayEnd(connection.Aborted))
        {
            return Drop(SmtpVerdict.Temporary, SmtpCause.NotAllowed, "the end of the message was not allowed");
        }

        connection.Aborted.ThrowIfCancellationRequested();

        // An answer that is here already is none to an end that has not been sent: 250 would lose the mail.
        return _unanswered == 0 && await connection.HearUnaskedAsync() is { } unasked ? SmtpResult.Of(SmtpStage.Data, unasked) : null;
    }

    /// <summary>
    /// Hears answers to chunks while too many are due. A refusal ends the message, and the connection goes on with RSET; the server skips chunks that
    /// are on their way, and answers them.
    /// </summary>
    private async ValueTask<SmtpResult?> HearChunksAsync()
    {
        SmtpResult? refusal = null;
        while (_unanswered > (pipelines && refusal is null ? MaxUnanswered : 0))
        {
            refusal = await HearChunkAsync(SmtpStage.Data, connection.Options.CommandTimeout) is { IsAccepted: false } result ? refusal ?? result : refusal;
        }

        return refusal;
    }

    private async ValueTask<SmtpResult> HearChunkAsync(SmtpStage stage, TimeSpan timeout)
    {
        _unanswered--;
        var heard = await connection.HearAsync(ReplyForm.Plain, timeout);
        return SmtpResult.Of(stage, heard.Reply is { IsIntermediate: true } ? connection.EndOutOfStep(heard.Reply) : heard);
    }

    /// <summary>The server has stopped reading: what has it said?</summary>
    private async ValueTask<SmtpResult> HearLastWordsAsync()
    {
        SmtpResult said;
        do
        {
            said = await HearChunkAsync(SmtpStage.Data, connection.Options.CommandTimeout);
        }
        while (said.IsAccepted && _unanswered >= 0);
        var end = connection.End(SmtpCause.ConnectionLost, "the connection was lost");
        return said.IsAccepted ? SmtpResult.Of(SmtpStage.Data, end) : said;
    }

    /// <summary>The answer to the whole, for which there is time whatever the rest took.</summary>
    private async ValueTask<(SmtpResult Result, bool Uncertain)> FinishAsync()
    {
        connection.Channel.Limit = TimeSpan.MaxValue;
        SmtpResult? refusal = null;
        SmtpResult last;
        do
        {
            last = await HearChunkAsync(SmtpStage.EndOfData, connection.Options.EndOfDataTimeout);
            refusal ??= last is { IsAccepted: false, Cause: SmtpCause.Reply } ? last : null;
        }
        while (_unanswered >= 0 && last.Cause == SmtpCause.Reply);

        // A chunk that was refused makes the whole refused, whatever became of its end.
        return (refusal ?? last, refusal is null && last.Cause != SmtpCause.Reply);
    }

    private SmtpResult Drop(SmtpContentFailure fault) => Drop(
        SmtpVerdict.Permanent, SmtpCause.BadContent, fault == SmtpContentFailure.NulOctet ? "the message holds a NUL" : "the message holds a bare CR or LF");

    /// <summary>The connection ends without the end of the content.</summary>
    private SmtpResult Drop(SmtpVerdict verdict, SmtpCause cause, string detail)
    {
        connection.End(cause, detail);
        return SmtpResult.Local(verdict, SmtpStage.Data, cause, detail);
    }
}
