namespace MailGrains.Contracts.Delivery;

/// <summary>
/// Where a message's content lies: in the call and the mailbox's partition when it is at most <see cref="InlineLimit"/> bytes
/// (<see cref="Inline"/>), else in a blob. Content is as received; what is the recipient's own is a prefix beside it.
/// </summary>
[GenerateSerializer, Immutable, Alias("mailgrains.MessageBody")]
public sealed record MessageBody(
    [property: Id(0)] long Length, [property: Id(1)] byte[]? Inline, [property: Id(2)] BodyBlob? Blob)
{
    public const int InlineLimit = 32 * 1024;
}

/// <summary>A body's blob. A shared one has a holder row for each mailbox or queue that refers to it.</summary>
[GenerateSerializer, Immutable, Alias("mailgrains.BodyBlob")]
public sealed record BodyBlob([property: Id(0)] int Account, [property: Id(1)] string Name, [property: Id(2)] bool Shared);
