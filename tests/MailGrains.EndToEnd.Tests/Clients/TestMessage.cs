using System.Globalization;
using System.Text;

namespace MailGrains.EndToEnd.Tests.Clients;

/// <summary>
/// A message that is known by its number: sender and content follow from number and size, and can be made again to be compared octet for
/// octet. Lines of all lengths up to 200 octets, dots anywhere, octets beyond ASCII.
/// </summary>
internal sealed record TestMessage(int Number, int Bytes, IReadOnlyList<string> Recipients)
{
    private const string IdEnd = "@client.test>\r\n";
    private const int LongestLine = 200;

    public string Sender => string.Create(CultureInfo.InvariantCulture, $"sender{Number % 7}@client.test");

    /// <summary>What the server has to keep.</summary>
    public byte[] Content()
    {
        var content = new MemoryStream(Bytes + LongestLine);
        content.Write(Encoding.ASCII.GetBytes($"Message-ID: <{Number}{IdEnd}From: <{Sender}>\r\nSubject: number {Number}\r\n\r\n"));
        var random = new Random(Number);
        var line = new byte[LongestLine];
        while (content.Length < Bytes)
        {
            var length = random.Next(LongestLine);
            random.NextBytes(line);
            for (var i = 0; i < length; i++)
            {
                // Neither NUL nor CR nor LF, which mail may not hold singly; a dot now and then.
                line[i] = line[i] < 32 ? (byte)'.' : line[i];
            }

            content.Write(line.AsSpan(0, length));
            content.Write("\r\n"u8);
        }

        return content.ToArray();
    }

    /// <summary>The content as it goes over the wire (RFC 5321 §4.5.2), without the end of data.</summary>
    public byte[] StuffedContent()
    {
        ReadOnlySpan<byte> rest = Content();
        var stuffed = new MemoryStream(rest.Length + 256);
        while (!rest.IsEmpty)
        {
            if (rest[0] == '.')
            {
                stuffed.WriteByte((byte)'.');
            }

            var end = rest.IndexOf("\r\n"u8) + 2;
            stuffed.Write(rest[..end]);
            rest = rest[end..];
        }

        return stuffed.ToArray();
    }

    /// <summary>The number of the message that was kept, and where its own content starts behind the trace fields.</summary>
    public static (int Number, int Start) Find(ReadOnlySpan<byte> kept)
    {
        var start = kept.IndexOf("Message-ID: <"u8);
        var id = start < 0 ? [] : kept[(start + "Message-ID: <".Length)..];
        var end = id.IndexOf((byte)'@');
        return end > 0 && int.TryParse(id[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? (number, start)
            : throw new InvalidDataException($"No message of this test: {Encoding.Latin1.GetString(kept[..Math.Min(kept.Length, 400)])}");
    }
}
