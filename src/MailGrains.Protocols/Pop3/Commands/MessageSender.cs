using System.Buffers;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>
/// Streams a message as a multi-line response, a buffer at a time, as fast as the client reads. A message that can't be read to its end is
/// never ended with a dot: the connection closes, so that no client takes the half for the whole.
/// </summary>
internal static class MessageSender
{
    private const int BufferBytes = 16 << 10;

    /// <param name="bodyLines">Null for the whole message.</param>
    public static async ValueTask<Pop3Reply?> SendAsync(Pop3ServerSession session, int index, long? bodyLines)
    {
        var message = await session.View.Maildrop.OpenAsync(index, session.Aborted);
        if (message is null)
        {
            return Pop3Reply.MessageGone;
        }

        WriteStatus(session, index, bodyLines);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            await using (message)
            {
                await CopyAsync(session, message, buffer, bodyLines);
            }
        }
        catch (Exception failure)
        {
            session.Backend.Failed(failure);
            session.End = SessionEnd.ClosedByBackend;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return null;
    }

    private static void WriteStatus(Pop3ServerSession session, int index, long? bodyLines)
    {
        if (bodyLines is null)
        {
            session.Channel.Write("+OK "u8);
            session.Channel.Write(session.View.Maildrop.Octets(index));
            session.WriteLine(" octets");
        }
        else
        {
            session.WriteLine("+OK top of message follows");
        }
    }

    private static async ValueTask CopyAsync(Pop3ServerSession session, Stream message, byte[] buffer, long? bodyLines)
    {
        var stuffer = new DotStuffer();
        var cutter = new TopCutter(bodyLines ?? long.MaxValue);
        while (!cutter.IsDone)
        {
            var length = await message.ReadAsync(buffer, session.Aborted);
            if (length == 0)
            {
                break;
            }

            var piece = buffer.AsMemory(0, bodyLines is null ? length : cutter.Take(buffer.AsSpan(0, length)));
            stuffer.Write(piece.Span, session.Channel);
            if (!await session.FlushWhenFullAsync())
            {
                return;
            }
        }

        stuffer.Finish(session.Channel);
    }
}
