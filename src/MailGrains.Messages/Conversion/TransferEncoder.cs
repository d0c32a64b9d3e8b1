using System.Buffers;

namespace MailGrains.Messages.Conversion;

/// <summary>What turns octets into lines of 7bit, in pieces of any size. One body each.</summary>
internal abstract class TransferEncoder
{
    public abstract void Append(ReadOnlySpan<byte> octets, IBufferWriter<byte> output);

    /// <summary>The body has ended. The last line gets no CRLF that the body does not have.</summary>
    public abstract void Finish(IBufferWriter<byte> output);
}
