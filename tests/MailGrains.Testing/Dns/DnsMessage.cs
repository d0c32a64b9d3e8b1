using System.Buffers.Binary;
using System.Text;

namespace MailGrains.Testing.Dns;

/// <summary>The wire form (RFC 1035 §4) of what the server needs: one question in; the answers, or an error, out.</summary>
internal sealed class DnsMessage
{
    public const int NoError = 0;
    public const int ServFail = 2;
    public const int NxDomain = 3;

    private const int HeaderBytes = 12;
    private const int OptType = 41;
    private const int PlainUdpBytes = 512;

    private readonly byte[] _id;
    private readonly byte[] _question;

    private DnsMessage(byte[] id, byte[] question, DnsQuestion asked, int udpBytes) =>
        (_id, _question, Asked, UdpBytes) = (id, question, asked, udpBytes);

    public DnsQuestion Asked { get; }

    /// <summary>How large a datagram may be (RFC 6891 §6.2.3).</summary>
    public int UdpBytes { get; }

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
            hasOpt ? Math.Max(PlainUdpBytes, (int)BinaryPrimitives.ReadUInt16BigEndian(query[(at + 3)..])) : PlainUdpBytes);
    }

    public byte[] Reply(int code, IReadOnlyList<(string Owner, DnsRecord Record)> answers, bool truncated)
    {
        // QR, AA, RD, RA; TC.
        byte[] flags = [(byte)(0x85 | (truncated ? 2 : 0)), (byte)(0x80 | code)];
        return
        [
            .. _id, .. flags, .. DnsRecord.BigEndian(1), .. DnsRecord.BigEndian(answers.Count), 0, 0, 0, 0, .. _question,
            .. answers.SelectMany(a => Encode(a.Owner, a.Record)),
        ];
    }

    private static byte[] Encode(string owner, DnsRecord record) =>
    [
        .. DnsRecord.Name(owner), .. DnsRecord.BigEndian((int)record.Type), 0, 1, 0, 0, 0, 60, .. DnsRecord.BigEndian(record.Data.Length), .. record.Data,
    ];
}
