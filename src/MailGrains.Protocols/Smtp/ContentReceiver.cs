using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp;

/// <summary>Moves what follows DATA from the transport's buffers into a message's flow, up to the end of data.</summary>
internal sealed class ContentReceiver(SmtpServerSession session, ContentFlow flow, ContentDecoder decoder)
{
    /// <summary>The reply to the end of data; null when the connection went away before it.</summary>
    public async ValueTask<SmtpReply?> ReceiveAsync()
    {
        while (!decoder.IsAtEnd)
        {
            await TakeArrivedAsync();
            if (decoder.IsAtEnd)
            {
                break;
            }

            if (flow.HasSwallowedEnough)
            {
                session.End = SessionEnd.TooManyErrors;
                return flow.Refusal ?? SmtpReply.MessageTooLarge552;
            }

            var status = await flow.WaitAsync();
            if (status is InputStatus.Ended or InputStatus.TimedOut)
            {
                return await flow.EndEarlyAsync(status);
            }
        }

        return flow.Refusal ?? await flow.CompleteAsync();
    }

    private async ValueTask TakeArrivedAsync()
    {
        long taken = 0;
        foreach (var segment in session.Channel.Lines.Unread)
        {
            var rest = segment;
            while (!rest.IsEmpty && !decoder.IsAtEnd)
            {
                var consumed = await flow.TakeAsync(decoder, rest);
                rest = rest[consumed..];
                taken += consumed;
            }
        }

        session.Channel.Lines.Consume(taken);
        flow.Received(taken);
    }
}
