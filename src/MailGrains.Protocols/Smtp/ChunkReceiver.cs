using System.Globalization;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp;

/// <summary>
/// A message that comes in chunks (RFC 3030 §2), from its first BDAT to its last. Each chunk's octets are counted, not searched, so nothing in
/// them can end it; the line rules hold over all chunks together.
/// </summary>
internal sealed class ChunkReceiver(SmtpServerSession session, ContentFlow flow, ContentDecoder decoder)
{
    /// <summary>Until the client's next command must have come.</summary>
    public TimeSpan PauseAllowance() => flow.PauseAllowance();

    public ValueTask AbortAsync(SmtpContentFailure reason) => flow.AbortAsync(reason);

    /// <summary>
    /// The reply to one chunk; null when the connection went away. After any but 250 to a chunk that is not the last the message is over.
    /// </summary>
    public async ValueTask<SmtpReply?> ReceiveAsync(long size, bool isLast)
    {
        flow.EndPause();
        for (var missing = size; ;)
        {
            missing -= await TakeArrivedAsync(missing);
            if (missing == 0)
            {
                break;
            }

            if (missing > flow.MaxSwallowedBytes || flow.HasSwallowedEnough)
            {
                await flow.RefuseAsync(SmtpContentFailure.MessageTooLarge);
                session.End = SessionEnd.TooManyErrors;
                return flow.Refusal;
            }

            var status = await flow.WaitAsync();
            if (status is InputStatus.Ended or InputStatus.TimedOut)
            {
                return await flow.EndEarlyAsync(status);
            }
        }

        if (isLast && flow.Refusal is null && decoder.Finish() is { } fault)
        {
            await flow.RefuseAsync(fault);
        }

        flow.BeginPause();
        return flow.Refusal ?? (isLast
            ? await flow.CompleteAsync()
            : new SmtpReply(250, new EnhancedCode(0, 0), string.Create(CultureInfo.InvariantCulture, $"{size} octets received")));
    }

    private async ValueTask<long> TakeArrivedAsync(long wanted)
    {
        long taken = 0;
        foreach (var segment in session.Channel.Lines.Unread)
        {
            var rest = segment[..(int)Math.Min(segment.Length, wanted - taken)];
            while (!rest.IsEmpty)
            {
                var consumed = await flow.TakeAsync(decoder, rest);
                rest = rest[consumed..];
                taken += consumed;
            }
        }

        session.Channel.Lines.Consume(taken);
        flow.Received(taken);
        return taken;
    }
}
