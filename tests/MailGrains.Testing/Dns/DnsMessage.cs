using System.Buffers.Binary;
using System.Text;

namespace MailGrains.Testing.Dns;

/// <summary>The wire form (RFC 1035 §4) of what the server needs: one question in; the answers, or an error, out.</summary>
internal sealed class DnsMessage
{
    private const int HeaderBytes = 12;
    private const int OptType = 41;
    private const int PlainUdpBytes = 512;

    private readonly byte[] _id;
    private readonly byte[] _question;

    private DnsMessage(byte[] id, byte[] question, DnsQuestion asked, int udpBytes, bool wantsDnssec) =>
        (_id, _question, Asked, UdpBytes, WantsDnssec) = (id, question, asked, udpBytes, wantsDnssec);

    public DnsQuestion Asked { get; }

    /// <summary>How large a datagram may be (RFC 6891 §6.2.3).</summary>
    public int UdpBytes { get; }

    /// <summary>The DO bit (RFC 3225 §3).</summary>
    public bool WantsDnssec { get; }

    public static DnsMessage Parse(ReadOnlySpan<byte> query, bool overTcp)
    {
        var labels = new List<string>();
        var at = HeaderBytes;
        while (query[at] is > 0 and var length)
        {
            labels.Add(Encoding.ASCII.GetString(query.Slice(at + 1, length)));
            at += length + 1;
        }

        at++;
        var type = BinaryPrimitives.ReadUInt16BigEndian(query[at..]);
        at += 4;
        var hasOpt = query.Length >= at + 11 && query[at] == 0 && BinaryPrimitives.ReadUInt16BigEndian(query[(at + 1)..]) == OptType;
        return new DnsMessage(
            query[..2].ToArray(),
            query[HeaderBytes..at].ToArray(),
            new DnsQuestion(string.Join('.', labels).ToLowerInvariant(), (DnsType)type, overTcp),
            hasOpt ? Math.Max(PlainUdpBytes, (int)BinaryPrimitives.ReadUInt16BigEndian(query[(at + 3)..])) : PlainUdpBytes,
            hasOpt && (query[at + 7] & 0x80) != 0);
    }

    /// <param name="authority">The zone's SOA, where the answer is that there is none.</param>
    /// <param name="authentic">The AD bit (RFC 4035 §3.2.3).</param>
    public byte[] Reply(
        DnsCode code, IReadOnlyList<(string Owner, DnsRecord Record)> answers, bool truncated, (string Owner, DnsRecord Record)? authority = null,
        bool authentic = false)
    {
        // QR, AA, RD, TC; RA, AD.
        byte[] flags = [(byte)(0x85 | (truncated ? 2 : 0)), (byte)(0x80 | (authentic ? 0x20 : 0) | (int)code)];
        return
        [
            .. _id, .. flags, .. DnsRecord.BigEndian(1), .. DnsRecord.BigEndian(answers.Count), 0, (byte)(authority is null ? 0 : 1), 0, 0,
            .. _question, .. answers.SelectMany(a => Encode(a.Owner, a.Record)), .. authority is { } soa ? Encode(soa.Owner, soa.Record) : [],
        ];
    }

    /// <summary>The question's id, and then nothing that makes sense.</summary>
    public byte[] Garbage() => [.. _id, 0x85, 0x80, 0, 1, 0, 9, 0, 0, 0, 0, .. _question, 0xC0, 0xFF, 0xFF, 0xFF];

    private static byte[] Encode(string owner, DnsRecord record) =>
    [
        .. DnsRecord.Name(owner), .. DnsRecord.BigEndian((int)record.Type), 0, 1, .. DnsRecord.BigEndian(record.TimeToLive >> 16), .. DnsRecord.BigEndian(record.TimeToLive),
        .. DnsRecord.BigEndian(record.Data.Length), .. record.Data,
    ];
}
