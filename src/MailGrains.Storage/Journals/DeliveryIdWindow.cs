using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Storage.Journals;

/// <summary>The delivery ids of the last seven days. Signatures; the behaviour follows.</summary>
public sealed class DeliveryIdWindow
{
    public const int MaxIds = 20_000;

    public static readonly TimeSpan Age = TimeSpan.FromDays(7);

    public int Count { get; private set; }

    /// <summary>The message that was kept under <paramref name="id"/> (the time a newest one counts is <see cref="Age"/>).</summary>
    public bool TryFind(DeliveryId id, DateTimeOffset now, out EmailId kept) => throw new NotSupportedException();

    /// <summary>Takes an id (again); drops what is older than <see cref="Age"/> at <paramref name="at"/>, and the oldest above <see cref="MaxIds"/>. Called by Apply alone.</summary>
    public void Add(DeliveryId id, EmailId kept, DateTimeOffset at) => throw new NotSupportedException();

    public bool Remove(DeliveryId id) => Count == 0 ? false : throw new NotSupportedException();

    /// <summary>An overlay for a draft: what the calls of a batch have added so far is found, the window itself stays.</summary>
    public DeliveryIdDraft BeginDraft() => new(this);

    /// <summary>Appends the compact form, for a snapshot's head.</summary>
    public void Write(System.Buffers.IBufferWriter<byte> output) => throw new NotSupportedException();

    /// <summary>Reads what <see cref="Write"/> wrote, and moves <paramref name="input"/> behind it.</summary>
    public static DeliveryIdWindow Read(ref ReadOnlySpan<byte> input) => throw new NotSupportedException();
}

/// <summary>The ids that the calls of a batch have taken, over the committed window; costs nothing until the first.</summary>
public struct DeliveryIdDraft(DeliveryIdWindow window)
{
    public readonly bool TryFind(DeliveryId id, DateTimeOffset now, out EmailId kept) => window.TryFind(id, now, out kept);

    public void Add(DeliveryId id, EmailId kept) => throw new NotSupportedException();

    public void Remove(DeliveryId id) => throw new NotSupportedException();
}
