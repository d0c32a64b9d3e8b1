using System.Buffers;
using System.Collections.Frozen;
using System.Text;
using MailGrains.Messages.Summaries;
using MimeKit;

namespace MailGrains.Messages.Conversion;

/// <summary>
/// Rewrites a header section so that any server takes it: text beyond US-ASCII by RFC 2047, parameters by RFC 2231, domains as A-labels, lines folded.
/// Fields that need nothing keep their octets.
/// </summary>
public static class SevenBitHeader
{
    private const int MaxNameBytes = 200;

    private static readonly FormatOptions Options = OptionsOf();

    private static readonly FrozenSet<HeaderId> Addresses = FrozenSet.Create(
        HeaderId.From, HeaderId.Sender, HeaderId.ReplyTo, HeaderId.To, HeaderId.Cc, HeaderId.Bcc, HeaderId.ResentFrom, HeaderId.ResentSender,
        HeaderId.ResentReplyTo, HeaderId.ResentTo, HeaderId.ResentCc, HeaderId.ResentBcc, HeaderId.DispositionNotificationTo);

    /// <summary>The whole section again; null: it has an address beyond US-ASCII that only SMTPUTF8 carries, or a line that is no field.</summary>
    /// <param name="section">Fields, with the empty line where there is one.</param>
    public static byte[]? Encode(ReadOnlySpan<byte> section) => Rewrite(section, null);

    /// <param name="change">What its part's header is to say beyond that.</param>
    internal static byte[]? Rewrite(ReadOnlySpan<byte> section, Segment? change)
    {
        var output = new ArrayBufferWriter<byte>(section.Length + 256);
        var (hasType, hasVersion, hasEncoding) = (false, false, false);
        var transferEncoding = change?.TransferEncoding;
        while (!section.IsEmpty && !IsEmptyLine(section))
        {
            var field = section[..FieldLength(section)];
            section = section[field.Length..];
            var name = NameOf(field);
            hasType |= Is(name, "Content-Type"u8);
            hasVersion |= Is(name, "MIME-Version"u8);
            if (transferEncoding is not null && Is(name, "Content-Transfer-Encoding"u8))
            {
                Append(output, hasEncoding ? "" : $"Content-Transfer-Encoding: {transferEncoding}\r\n");
                hasEncoding = true;
            }
            else if (!AppendField(output, name, field))
            {
                return null;
            }
        }

        if (transferEncoding is not null)
        {
            // RFC 2045 §4; RFC 1428 §3 for text of which nothing says the charset.
            Append(output, change!.IsMessageHeader && !hasVersion ? "MIME-Version: 1.0\r\n" : "");
            Append(output, change.Charset is { } charset && !hasType ? $"Content-Type: text/plain; charset={charset}\r\n" : "");
            Append(output, hasEncoding ? "" : $"Content-Transfer-Encoding: {transferEncoding}\r\n");
        }

        // A header may end without an empty line where the next line is no field: what was added must not let that line join it.
        Append(output, section.IsEmpty && transferEncoding is null ? "" : "\r\n");
        return output.WrittenSpan.ToArray();
    }

    private static bool AppendField(ArrayBufferWriter<byte> output, ReadOnlySpan<byte> name, ReadOnlySpan<byte> field)
    {
        var needs = ContentScan.Of(field);
        if (needs == ContentNeeds.None && field.EndsWith("\r\n"u8))
        {
            output.Write(field);
            return true;
        }

        if (name.Length is 0 or > MaxNameBytes)
        {
            // No field: what readers make of it, nobody knows.
            return false;
        }

        if ((needs & ContentNeeds.EightBit) == 0)
        {
            PlainLines.WriteField(field, output);
            return true;
        }

        var raw = field[(name.Length + 1)..];
        if (Is(name, "Content-Type"u8) && HasBoundaryBeyondAscii(raw))
        {
            return false;
        }

        // Any value that fits the grammar will do until the true one is set.
        var start = Is(name, "Content-Type"u8) ? "text/plain" : Is(name, "Content-Disposition"u8) ? "inline" : "";
        var header = new Header(Encoding.UTF8, Encoding.ASCII.GetString(name), start);
        var isOfAddresses = Addresses.Contains(header.Id);
        if ((isOfAddresses ? EncodedAddresses(raw) : EncodedText(header, raw)) is { } value)
        {
            PlainLines.WriteField([.. name, (byte)':', .. value], output);
            return true;
        }

        // Ids and trace: a reader can do without what stands there, but not without an address.
        PlainLines.WriteField(field, output);
        return !isOfAddresses;
    }

    /// <summary>The value in US-ASCII, or null where its grammar has no way to say it.</summary>
    private static byte[]? EncodedText(Header header, ReadOnlySpan<byte> raw)
    {
        var text = HeaderValue.Unfold(raw, int.MaxValue);
        try
        {
            header.SetValue(Options, Encoding.UTF8, IsText(header.Id) ? HeaderValue.Decode(text) : text);
            return Ascii.IsValid(header.RawValue) ? header.RawValue : null;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or ParseException)
        {
            return null;
        }
    }

    /// <summary>Names by RFC 2047, domains as A-labels; null where a localpart needs UTF-8, or the list can't be read.</summary>
    private static byte[]? EncodedAddresses(ReadOnlySpan<byte> raw) =>
        InternetAddressList.TryParse(Encoding.UTF8.GetBytes(HeaderValue.Unfold(raw, int.MaxValue)), out var list)
        && list.Mailboxes.All(mailbox => Ascii.IsValid(mailbox.GetAddress(idnEncode: true)))
        && list.ToString(Options, encode: true) is var text && Ascii.IsValid(text)
            ? Encoding.ASCII.GetBytes($" {text}\r\n")
            : null;

    /// <summary>It stands in the body as it is, so it can't be said in another way.</summary>
    private static bool HasBoundaryBeyondAscii(ReadOnlySpan<byte> raw) =>
        !ContentType.TryParse(raw.ToArray(), out var type) || !Ascii.IsValid(type.Boundary ?? "");

    /// <summary>Encoded words may stand anywhere in it (RFC 2047 §5 (1)), so they are read before it is written again.</summary>
    private static bool IsText(HeaderId id) => id is not (
        HeaderId.ContentType or HeaderId.ContentDisposition or HeaderId.ContentId or HeaderId.MessageId or HeaderId.InReplyTo or HeaderId.References
        or HeaderId.Received or HeaderId.ReturnPath or HeaderId.AuthenticationResults or HeaderId.DkimSignature);

    private static int FieldLength(ReadOnlySpan<byte> section)
    {
        var length = 0;
        do
        {
            length = section[length..].IndexOf((byte)'\n') is >= 0 and var end ? length + end + 1 : section.Length;
        }
        while (length < section.Length && section[length] is (byte)' ' or (byte)'\t');

        return length;
    }

    /// <summary>Empty where there is none (RFC 5322 §2.2).</summary>
    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> field)
    {
        var name = field[..Math.Max(0, field.IndexOf((byte)':'))];
        return name.ContainsAnyExceptInRange((byte)'!', (byte)'~') ? [] : name;
    }

    private static bool IsEmptyLine(ReadOnlySpan<byte> lines) => lines.StartsWith("\r\n"u8) || lines[0] == '\n';

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> known) => Ascii.EqualsIgnoreCase(name, known);

    private static void Append(ArrayBufferWriter<byte> output, string text) => Encoding.ASCII.GetBytes(text, output);

    private static FormatOptions OptionsOf()
    {
        var options = FormatOptions.Default.Clone();
        options.NewLineFormat = NewLineFormat.Dos;
        options.International = false;
        return options;
    }
}
