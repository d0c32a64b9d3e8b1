using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MailGrains.Contracts.Mailboxes;

/// <summary>
/// Names a message for ever (RFC 8474 EMAILID): 16 bytes that order by the time they were made, like a version 7 UUID.
/// </summary>
[GenerateSerializer, Immutable, Alias("mailgrains.EmailId")]
public readonly record struct EmailId([property: Id(0)] ulong High, [property: Id(1)] ulong Low) : IComparable<EmailId>
{
    public static EmailId New(DateTimeOffset now)
    {
        Span<byte> random = stackalloc byte[10];
        RandomNumberGenerator.Fill(random);
        return new EmailId(
            ((ulong)now.ToUnixTimeMilliseconds() << 16) | BinaryPrimitives.ReadUInt16LittleEndian(random[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(random));
    }

    public static EmailId Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Low);
    }

    public static EmailId Parse(string text)
    {
        Span<byte> bytes = stackalloc byte[16];
        return text.Length == 32 && Convert.FromHexString(text, bytes, out _, out _) == System.Buffers.OperationStatus.Done
            ? Read(bytes)
            : throw new FormatException($"'{text}' is no email id.");
    }

    /// <summary>When it was made, to the millisecond.</summary>
    public DateTimeOffset MadeAt => DateTimeOffset.FromUnixTimeMilliseconds((long)(High >> 16));

    /// <summary>32 lower-case hex digits; their ordinal order is the order of time.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        Write(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    public int CompareTo(EmailId other) => High != other.High ? High.CompareTo(other.High) : Low.CompareTo(other.Low);
    public static bool operator <(EmailId left, EmailId right) => left.CompareTo(right) < 0;
    public static bool operator >(EmailId left, EmailId right) => left.CompareTo(right) > 0;
    public static bool operator <=(EmailId left, EmailId right) => left.CompareTo(right) <= 0;
    public static bool operator >=(EmailId left, EmailId right) => left.CompareTo(right) >= 0;
}
