using System.Buffers;
using System.Buffers.Binary;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Journals;

namespace MailGrains.Storage.Tests.Journals;

/// <summary>The events that a batch's calls write, and what they have made of the totals so far.</summary>
internal sealed class LedgerDraft(Ledger ledger) : IJournalDraft
{
    public const byte AddEvent = 1;
    public const byte DeliverEvent = 2;
    public const byte ClearEvent = 3;
    public const byte FillEvent = 4;
    public const int AddBytes = 13;
    public const int DeliverBytes = 41;
    public const int ClearBytes = 5;

    private readonly ArrayBufferWriter<byte> _events = new();
    private DeliveryIdDraft _delivered = ledger.Delivered.BeginDraft();

    public ReadOnlyMemory<byte> Events => _events.WrittenMemory;

    /// <summary>The total as the earlier calls of the batch leave it.</summary>
    public long Total { get; private set; } = ledger.Total;

    public void Add(int key, long amount)
    {
        var bytes = _events.GetSpan(AddBytes);
        bytes[0] = AddEvent;
        BinaryPrimitives.WriteInt32LittleEndian(bytes[1..], key);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[5..], amount);
        _events.Advance(AddBytes);
        Total += amount;
    }

    /// <summary>Takes a delivery, counted under key 0; or finds what was kept for it earlier.</summary>
    public (bool New, EmailId Kept) Deliver(DeliveryId id, EmailId email, DateTimeOffset at)
    {
        if (_delivered.TryFind(id, at, out var kept))
        {
            return (false, kept);
        }

        var bytes = _events.GetSpan(DeliverBytes);
        bytes[0] = DeliverEvent;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[1..], id.High);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[9..], id.Low);
        email.Write(bytes[17..]);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[33..], at.ToUnixTimeMilliseconds());
        _events.Advance(DeliverBytes);
        _delivered.Add(id, email);
        Total++;
        return (true, email);
    }

    public void Clear(int segment)
    {
        var bytes = _events.GetSpan(ClearBytes);
        bytes[0] = ClearEvent;
        BinaryPrimitives.WriteInt32LittleEndian(bytes[1..], segment);
        _events.Advance(ClearBytes);
    }

    /// <summary>An event of that many bytes that means nothing.</summary>
    public void Fill(int bytes)
    {
        var span = _events.GetSpan(bytes);
        span[..bytes].Fill(0xAA);
        span[0] = FillEvent;
        BinaryPrimitives.WriteInt32LittleEndian(span[1..], bytes - 5);
        _events.Advance(bytes);
    }
}
