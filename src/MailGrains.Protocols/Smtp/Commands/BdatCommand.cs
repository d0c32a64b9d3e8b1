using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>
/// BDAT size [LAST] (RFC 3030 §2). The octets follow at once, whatever the reply will be, so those of a chunk that is refused are passed over
/// and never taken for commands.
/// </summary>
internal static class BdatCommand
{
    /// <summary>Chunks below this that are not the last are counted: a message that trickles in by them only keeps a connection busy.</summary>
    private const int SmallChunkBytes = 1_024;

    public static ValueTask<SmtpReply?> ExecuteAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments)
    {
        var decoder = new TextDecoder(arguments);
        var size = decoder.ExpectNumber();
        var isLast = decoder.TrySpaces() && decoder.TryText("LAST"u8);
        decoder.ExpectEnd();
        if (decoder.Failed)
        {
            // How much follows nobody knows: what does would be read as commands.
            session.End = SessionEnd.TooManyErrors;
            return new(SmtpReply.BadChunk501);
        }

        if (size < SmallChunkBytes && !isLast)
        {
            session.Errors.CountJunk();
        }

        return ReceiveAsync(session, size, isLast);
    }

    private static async ValueTask<SmtpReply?> ReceiveAsync(SmtpServerSession session, long size, bool isLast)
    {
        if (session.Chunks is null && await BeginAsync(session) is { } refusal)
        {
            return await PassOverAsync(session, size, refusal);
        }

        session.State = SmtpState.Chunks;
        var reply = await session.Chunks!.ReceiveAsync(size, isLast);
        if (reply is { IsPositive: true } && !isLast)
        {
            return reply;
        }

        session.Chunks = null;
        await session.ResetTransactionAsync();
        if (reply is { IsPositive: true })
        {
            session.Errors.Forgive();
        }

        return reply;
    }

    private static async ValueTask<SmtpReply?> BeginAsync(SmtpServerSession session)
    {
        var refusal = session.State switch
        {
            SmtpState.Connected => SmtpReply.HelloFirst503,
            SmtpState.Ready => SmtpReply.MailFirst503,
            SmtpState.Sender => SmtpReply.NoValidRecipients554,
            _ => null,
        };
        if (refusal is not null)
        {
            return refusal;
        }

        SmtpContentStart start;
        try
        {
            start = await session.Backend.BeginContentAsync(session.Aborted);
        }
        catch (Exception failure)
        {
            start = SmtpContentStart.Refuse(session.ReplyTo(failure));
        }

        if (start.Sink is null)
        {
            // Further chunks may be on their way: they hear that there is no transaction.
            await session.ResetTransactionAsync();
            return start.Refusal ?? SmtpReply.LocalError451;
        }

        var (flow, decoder) = session.BeginFlow(start.Sink, ContentForm.Chunked);
        session.Chunks = new ChunkReceiver(session, flow, decoder);
        return null;
    }

    private static async ValueTask<SmtpReply?> PassOverAsync(SmtpServerSession session, long size, SmtpReply refusal)
    {
        var (flow, decoder) = session.BeginFlow(NoSink.Instance, ContentForm.Chunked);
        await flow.RefuseAsync(refusal);
        return await new ChunkReceiver(session, flow, decoder).ReceiveAsync(size, isLast: true);
    }

    private sealed class NoSink : ISmtpContentSink
    {
        public static readonly NoSink Instance = new();

        public ValueTask<SmtpReply?> WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken) => default;

        public ValueTask<SmtpReply> CompleteAsync(CancellationToken cancellationToken) => new(SmtpReply.BadSequence503);

        public ValueTask AbortAsync(SmtpContentFailure reason) => default;
    }
}
