using System.Buffers;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;

namespace MailGrains.Messages.Summaries;

/// <summary>
/// The stored form of a <see cref="MessageSummary"/>. Format 1: the byte 1, then the fields in the order of <see cref="Write"/>. Numbers are
/// LEB128; a text is (bytes × 2) and its UTF-8, or (index × 2 + 1) of <see cref="Words"/>, or 0 for null, hence a text's bytes count from 1;
/// a list is its count and its items; a part's offsets count from the end of what came before. New fields make a new format; a reader of
/// format N reads all formats up to N.
/// </summary>
internal static class SummaryCodec
{
    private const byte Format = 1;
    private const int MaxDepth = 256;

    private static readonly UTF8Encoding Utf8 = new(false);

    /// <summary>Texts that most messages have. Stored as their index: append only.</summary>
    private static readonly string[] Words =
    [
        "text", "plain", "html", "multipart", "alternative", "mixed", "related", "application", "image", "message", "rfc822", "octet-stream",
        "7bit", "8bit", "base64", "quoted-printable", "binary", "charset", "utf-8", "us-ascii", "iso-8859-1", "boundary", "name", "filename",
        "attachment", "inline", "format", "flowed", "delsp", "yes", "no", "type", "report", "signed", "delivery-status", "pdf", "png", "jpeg",
        "gif", "calendar", "micalg", "protocol", "report-type", "text/html", "method", "windows-1252", "size",
    ];

    private static readonly Dictionary<string, int> IndexOf = Words.Select((w, i) => (w, i)).ToDictionary(p => p.w, p => p.i, StringComparer.Ordinal);

    public static byte[] Encode(MessageSummary summary)
    {
        var writer = new Writer(ArrayPool<byte>.Shared.Rent(2048));
        writer.Byte(Format);
        Write(ref writer, summary);
        return writer.Finish();
    }

    public static MessageSummary Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty || bytes[0] != Format)
        {
            throw new FormatException(bytes.IsEmpty ? "An empty summary." : $"A summary of format {bytes[0]}; this release reads {Format}.");
        }

        var reader = new Reader(bytes[1..]);
        var flags = reader.Number();
        var summary = new MessageSummary
        {
            HasAttachment = (flags & 1) != 0,
            IsOpaque = (flags & 2) != 0,
            TlsIsOptional = (flags & 8) != 0,
            SentAt = (flags & 4) == 0 ? null : reader.Date(),
            ReceivedCount = (int)Math.Min(reader.Number(), int.MaxValue),
            Size = reader.Length(),
            Envelope = ReadEnvelope(ref reader),
            References = reader.Texts(),
            Preview = reader.Text() ?? "",
            Body = ReadPart(ref reader, 0, 0),
        };
        return reader.IsAtEnd ? summary : throw Damaged();
    }

    private static void Write(ref Writer writer, MessageSummary summary)
    {
        writer.Number((summary.HasAttachment ? 1u : 0) | (summary.IsOpaque ? 2u : 0) | (summary.SentAt is null ? 0 : 4u) | (summary.TlsIsOptional ? 8u : 0));
        if (summary.SentAt is { } date)
        {
            writer.Date(date);
        }

        writer.Number((ulong)summary.ReceivedCount);
        writer.Number((ulong)summary.Size);
        Write(ref writer, summary.Envelope);
        writer.Texts(summary.References);
        writer.Text(summary.Preview);
        Write(ref writer, summary.Body, 0);
    }

    private static void Write(ref Writer writer, Envelope envelope)
    {
        writer.Text(envelope.Date);
        writer.Text(envelope.Subject);
        writer.Addresses(envelope.From);
        writer.Addresses(envelope.Sender);
        writer.Addresses(envelope.ReplyTo);
        writer.Addresses(envelope.To);
        writer.Addresses(envelope.Cc);
        writer.Addresses(envelope.Bcc);
        writer.Text(envelope.InReplyTo);
        writer.Text(envelope.MessageId);
    }

    private static Envelope ReadEnvelope(ref Reader reader) => new(
        reader.Text(), reader.Text(), reader.Addresses(), reader.Addresses(), reader.Addresses(), reader.Addresses(), reader.Addresses(),
        reader.Addresses(), reader.Text(), reader.Text());

    private static void Write(ref Writer writer, BodyPart part, long origin)
    {
        // Most parts lack most of these: one bit each.
        var flags = (part.Id is null ? 0 : 1u) | (part.Description is null ? 0 : 2u) | (part.Md5 is null ? 0 : 4u) |
            (part.Disposition is null && part.DispositionParameters.IsEmpty ? 0 : 8u) | (part.Languages.IsEmpty ? 0 : 16u) |
            (part.Location is null ? 0 : 32u) | (part.Parameters.IsEmpty ? 0 : 64u) | (part.Envelope is null ? 0 : 128u) |
            (part.Parts.IsEmpty ? 0 : 256u);
        writer.Number(flags);
        writer.Text(part.Type);
        writer.Text(part.Subtype);
        writer.Text(part.Encoding);
        writer.Number((ulong)(part.HeaderOffset - origin));
        writer.Number((ulong)(part.BodyOffset - part.HeaderOffset));
        writer.Number((ulong)part.BodyLength);
        writer.Number((ulong)part.Lines);
        writer.TextIf(flags & 1, part.Id);
        writer.TextIf(flags & 2, part.Description);
        writer.TextIf(flags & 4, part.Md5);
        if ((flags & 8) != 0)
        {
            writer.Text(part.Disposition);
            writer.Parameters(part.DispositionParameters);
        }

        if ((flags & 16) != 0)
        {
            writer.Texts(part.Languages);
        }

        writer.TextIf(flags & 32, part.Location);
        if ((flags & 64) != 0)
        {
            writer.Parameters(part.Parameters);
        }

        if (part.Envelope is not null)
        {
            Write(ref writer, part.Envelope);
        }

        if ((flags & 256) != 0)
        {
            writer.Number((ulong)part.Parts.Length);
            var previous = part.BodyOffset;
            foreach (var child in part.Parts)
            {
                Write(ref writer, child, previous);
                previous = child.BodyOffset + child.BodyLength;
            }
        }
    }

    private static BodyPart ReadPart(ref Reader reader, long origin, int depth)
    {
        if (depth > MaxDepth)
        {
            throw Damaged();
        }

        var flags = reader.Number();
        var type = reader.Text() ?? "";
        var subtype = reader.Text() ?? "";
        var encoding = reader.Text() ?? "";
        var headerOffset = origin + reader.Length();
        var bodyOffset = headerOffset + reader.Length();
        var part = new BodyPart
        {
            Type = type,
            Subtype = subtype,
            Encoding = encoding,
            HeaderOffset = headerOffset,
            BodyOffset = bodyOffset,
            BodyLength = reader.Length(),
            Lines = reader.Length(),
            Id = reader.TextIf(flags & 1),
            Description = reader.TextIf(flags & 2),
            Md5 = reader.TextIf(flags & 4),
            Disposition = reader.TextIf(flags & 8),
            DispositionParameters = (flags & 8) != 0 ? reader.Parameters() : [],
            Languages = (flags & 16) != 0 ? reader.Texts() : [],
            Location = reader.TextIf(flags & 32),
            Parameters = (flags & 64) != 0 ? reader.Parameters() : [],
            Envelope = (flags & 128) != 0 ? ReadEnvelope(ref reader) : null,
        };
        return (flags & 256) == 0 ? part : part with { Parts = ReadParts(ref reader, bodyOffset, depth) };
    }

    private static ImmutableArray<BodyPart> ReadParts(ref Reader reader, long origin, int depth)
    {
        var parts = ImmutableArray.CreateBuilder<BodyPart>(reader.Count());
        for (var left = parts.Capacity; left > 0; left--)
        {
            var part = ReadPart(ref reader, origin, depth + 1);
            origin = part.BodyOffset + part.BodyLength;
            parts.Add(part);
        }

        return parts.MoveToImmutable();
    }

    private static FormatException Damaged() => new("A damaged summary.");

    private ref struct Writer(byte[] rented)
    {
        private byte[] _bytes = rented;
        private int _length;

        public void Byte(byte value)
        {
            Reserve(1);
            _bytes[_length++] = value;
        }

        public void Number(ulong value)
        {
            Reserve(10);
            for (; value >= 0x80; value >>= 7)
            {
                _bytes[_length++] = (byte)(value | 0x80);
            }

            _bytes[_length++] = (byte)value;
        }

        public void Date(DateTimeOffset date)
        {
            // Seconds since the year 1 and the zone, in minutes from -1 day.
            Number((ulong)(date.UtcTicks / TimeSpan.TicksPerSecond));
            Number((ulong)(date.TotalOffsetMinutes + 1440));
        }

        public void Text(string? text)
        {
            if (text is null)
            {
                Number(0);
            }
            else if (text.Length <= 16 && IndexOf.TryGetValue(text, out var index))
            {
                Number(((ulong)index << 1) | 1);
            }
            else
            {
                var bytes = Utf8.GetByteCount(text);
                Number((ulong)(bytes + 1) << 1);
                Reserve(bytes);
                _length += Utf8.GetBytes(text, _bytes.AsSpan(_length));
            }
        }

        public void TextIf(uint flag, string? text)
        {
            if (flag != 0)
            {
                Text(text);
            }
        }

        public void Texts(ImmutableArray<string> texts)
        {
            Number((ulong)texts.Length);
            foreach (var text in texts)
            {
                Text(text);
            }
        }

        public void Parameters(ImmutableArray<BodyParameter> parameters)
        {
            Number((ulong)parameters.Length);
            foreach (var (name, value) in parameters)
            {
                Text(name);
                Text(value);
            }
        }

        public void Addresses(ImmutableArray<MailAddress> addresses)
        {
            Number((ulong)addresses.Length);
            foreach (var (name, localpart, domain) in addresses)
            {
                Text(name);
                Text(localpart);
                Text(domain);
            }
        }

        public readonly byte[] Finish()
        {
            var bytes = _bytes.AsSpan(0, _length).ToArray();
            ArrayPool<byte>.Shared.Return(_bytes);
            return bytes;
        }

        private void Reserve(int count)
        {
            if (_bytes.Length - _length < count)
            {
                var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_bytes.Length * 2, _length + count));
                _bytes.AsSpan(0, _length).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(_bytes);
                _bytes = larger;
            }
        }
    }

    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;

        public readonly bool IsAtEnd => _rest.IsEmpty;

        public ulong Number()
        {
            ulong value = 0;
            for (var shift = 0; shift < 64 && !_rest.IsEmpty; shift += 7)
            {
                var b = _rest[0];
                _rest = _rest[1..];
                value |= (ulong)(b & 0x7F) << shift;
                if (b < 0x80)
                {
                    return value;
                }
            }

            throw Damaged();
        }

        /// <summary>A count of octets or lines; two of them never overflow.</summary>
        public long Length() => Number() is <= 1L << 48 and var value ? (long)value : throw Damaged();

        /// <summary>A count of items, of a byte each at least.</summary>
        public int Count() => Number() is var value && value <= (ulong)_rest.Length ? (int)value : throw Damaged();

        public DateTimeOffset Date()
        {
            var seconds = Number();
            var zone = (long)Math.Min(Number(), 10_000) - 1440;
            if (seconds > (ulong)(DateTime.MaxValue.Ticks / TimeSpan.TicksPerSecond) || Math.Abs(zone) > 14 * 60)
            {
                throw Damaged();
            }

            var local = ((long)seconds * TimeSpan.TicksPerSecond) + (zone * TimeSpan.TicksPerMinute);
            return local >= 0 && local <= DateTime.MaxValue.Ticks ? new DateTimeOffset(local, TimeSpan.FromMinutes(zone)) : throw Damaged();
        }

        public string? Text()
        {
            var head = Number();
            if (head == 0)
            {
                return null;
            }

            if ((head & 1) != 0)
            {
                return head >> 1 < (ulong)Words.Length ? Words[head >> 1] : throw Damaged();
            }

            var length = (head >> 1) - 1;
            if (length > (ulong)_rest.Length)
            {
                throw Damaged();
            }

            var text = Utf8.GetString(_rest[..(int)length]);
            _rest = _rest[(int)length..];
            return text;
        }

        public string? TextIf(ulong flag) => flag != 0 ? Text() : null;

        public ImmutableArray<string> Texts()
        {
            var texts = new string[Count()];
            for (var i = 0; i < texts.Length; i++)
            {
                texts[i] = Text() ?? "";
            }

            return ImmutableCollectionsMarshal.AsImmutableArray(texts);
        }

        public ImmutableArray<BodyParameter> Parameters()
        {
            var parameters = new BodyParameter[Count()];
            for (var i = 0; i < parameters.Length; i++)
            {
                parameters[i] = new BodyParameter(Text() ?? "", Text() ?? "");
            }

            return ImmutableCollectionsMarshal.AsImmutableArray(parameters);
        }

        public ImmutableArray<MailAddress> Addresses()
        {
            var addresses = new MailAddress[Count()];
            for (var i = 0; i < addresses.Length; i++)
            {
                addresses[i] = new MailAddress(Text(), Text(), Text());
            }

            return ImmutableCollectionsMarshal.AsImmutableArray(addresses);
        }
    }
}
