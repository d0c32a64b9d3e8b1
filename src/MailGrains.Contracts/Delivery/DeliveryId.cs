using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MailGrains.Contracts.Delivery;

/// <summary>
/// Names one hand-over so that its repeat is recognised (RFC 1047): the first 16 bytes of the SHA-256 of reverse-path, recipient as given and
/// content as received. <see cref="None"/> never equals an earlier hand-over: it is for messages without a Message-ID.
/// </summary>
[GenerateSerializer, Immutable, Alias("mailgrains.DeliveryId")]
public readonly record struct DeliveryId([property: Id(0)] ulong High, [property: Id(1)] ulong Low)
{
    public static DeliveryId None => default;

    public bool IsNone => High == 0 && Low == 0;

    /// <summary>The id of the same hand-over with the verdict junk: an accepted one is no repeat of it.</summary>
    public DeliveryId ForJunk()
    {
        if (IsNone)
        {
            return None;
        }

        Span<byte> input = stackalloc byte[20];
        "junk"u8.CopyTo(input);
        BinaryPrimitives.WriteUInt64BigEndian(input[4..], High);
        BinaryPrimitives.WriteUInt64BigEndian(input[12..], Low);
        return OfHash(input);
    }

    /// <param name="reversePath">As given, without angle brackets; empty for the null reverse-path.</param>
    /// <param name="recipient">The forward-path as given, without angle brackets.</param>
    /// <param name="contentHash">The SHA-256 of the content as received, without trace headers of ours.</param>
    public static DeliveryId Of(string reversePath, string recipient, ReadOnlySpan<byte> contentHash)
    {
        var reverse = Encoding.UTF8.GetBytes(reversePath);
        var forward = Encoding.UTF8.GetBytes(recipient);
        Span<byte> input = reverse.Length + forward.Length + contentHash.Length + 8 is var size && size <= 2048 ? stackalloc byte[size] : new byte[size];
        BinaryPrimitives.WriteInt32BigEndian(input, reverse.Length);
        reverse.CopyTo(input[4..]);
        BinaryPrimitives.WriteInt32BigEndian(input[(4 + reverse.Length)..], forward.Length);
        forward.CopyTo(input[(8 + reverse.Length)..]);
        contentHash.CopyTo(input[(8 + reverse.Length + forward.Length)..]);
        return OfHash(input);
    }

    private static DeliveryId OfHash(ReadOnlySpan<byte> input)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(input, hash);
        var id = new DeliveryId(BinaryPrimitives.ReadUInt64BigEndian(hash), BinaryPrimitives.ReadUInt64BigEndian(hash[8..]));
        return id.IsNone ? new DeliveryId(0, 1) : id;
    }
}
