using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using MailGrains.Messages.Headers;
using MimeKit.Utils;

namespace MailGrains.Messages.Submission;

/// <summary>What a repair may add.</summary>
/// <param name="SmtpUtf8">The client said SMTPUTF8: the header may be UTF-8.</param>
/// <param name="Date">For a message without a Date.</param>
/// <param name="MessageId">For a message without a Message-ID: without angle brackets, used nowhere else.</param>
public readonly record struct RepairTerms(bool SmtpUtf8, DateTimeOffset Date, string MessageId);

/// <summary>
/// Checks the header section of a submitted message, finds whom it claims to be from and repairs what RFC 6409 §8 lets a submission server
/// repair: one pass, which copies only where something is left out or added. It is strict where a message could be read in two ways, since who reads
/// it last may read it the other way.
/// </summary>
public ref struct HeaderRepair
{
    /// <summary>Each is looked up in the directory.</summary>
    public const int MaxSenders = 20;

    private readonly ReadOnlyMemory<byte> _section;
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly RepairTerms _terms;
    private readonly List<ClaimedSender> _senders = new(2);
    private ArrayBufferWriter<byte>? _written;
    private int _passedOn;
    private int _fromFields;
    private int _senderFields;
    private int _authors;
    private bool _hasDate;
    private bool _hasMessageId;
    private HeaderFault _fault;
    private string _faultyField = "";

    private HeaderRepair(ReadOnlyMemory<byte> section, in RepairTerms terms)
    {
        _section = section;
        _bytes = section.Span;
        _terms = terms;
    }

    /// <summary>The length of the header section that the content begins with, its empty line included; -1 where that has not come yet.</summary>
    /// <param name="searched">So much of the content was searched before, in vain.</param>
    public static int EndOfSection(ReadOnlySpan<byte> content, int searched = 0)
    {
        if (content.StartsWith("\r\n"u8))
        {
            return 2;
        }

        var from = Math.Max(0, searched - 3);
        var end = content[from..].IndexOf("\r\n\r\n"u8);
        return end < 0 ? -1 : from + end + 4;
    }

    /// <summary>Never throws for content; what it answers may share the section's memory.</summary>
    /// <param name="section">Up to and with the empty line; a message without one is all header. What follows it is not looked at.</param>
    public static SubmittedHeader Run(ReadOnlyMemory<byte> section, in RepairTerms terms)
    {
        var end = EndOfSection(section.Span);
        var repair = new HeaderRepair(end < 0 ? section : section[..end], terms);
        return repair.Run(end < 0 ? section.Length : end - 2);
    }

    private SubmittedHeader Run(int fieldsEnd)
    {
        CheckCharacters();
        for (var at = 0; at < fieldsEnd && _fault == HeaderFault.None;)
        {
            at = ReadField(at, fieldsEnd);
        }

        if (_fault == HeaderFault.None)
        {
            CheckSenders();
        }

        if (_fault != HeaderFault.None)
        {
            return SubmittedHeader.Refused(_fault, _faultyField);
        }

        var hadMessageId = _hasMessageId;
        AddWhatIsMissing(fieldsEnd);
        if (_written is null)
        {
            return SubmittedHeader.Taken(_section, isChanged: false, hadMessageId, [.. _senders]);
        }

        _written.Write(_bytes[_passedOn..]);
        return SubmittedHeader.Taken(_written.WrittenMemory, isChanged: true, hadMessageId, [.. _senders]);
    }

    private void CheckCharacters()
    {
        if (_bytes.Contains((byte)0))
        {
            _fault = HeaderFault.ControlCharacter;
        }
        else if (!Ascii.IsValid(_bytes))
        {
            _fault = !_terms.SmtpUtf8 ? HeaderFault.NeedsSmtpUtf8 : Utf8.IsValid(_bytes) ? HeaderFault.None : HeaderFault.NotUtf8;
        }
    }

    /// <summary>Reads a field with its folded lines; answers where the next one begins.</summary>
    private int ReadField(int start, int fieldsEnd)
    {
        var colon = NameLength(_bytes[start..fieldsEnd]);
        if (colon == 0)
        {
            _fault = HeaderFault.MalformedField;
            return fieldsEnd;
        }

        var isBlank = true;
        var hasBlankLines = false;
        var end = start;
        do
        {
            var from = end == start ? start + colon + 1 : end;
            var length = LineLength(_bytes[from..fieldsEnd]);
            if (length < 0)
            {
                _fault = HeaderFault.ControlCharacter;
                return fieldsEnd;
            }

            var lineIsBlank = IsBlank(_bytes.Slice(from, length));
            isBlank &= lineIsBlank;
            hasBlankLines |= lineIsBlank && end != start;
            end = from + length;
        }
        while (end < fieldsEnd && _bytes[end] is (byte)' ' or (byte)'\t');

        if (!Take(_bytes.Slice(start, colon), _bytes[(start + colon + 1)..end], isBlank))
        {
            LeaveOut(start, end);
        }
        else if (hasBlankLines)
        {
            LeaveOutBlankLines(start, end);
        }

        return end;
    }

    /// <summary>False: the field is left out.</summary>
    private bool Take(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool isBlank)
    {
        if (Is(name, "From"u8))
        {
            _fromFields++;
            ReadSenders("From", value);
            _authors = _senders.Count(s => s.Field == "From");
        }
        else if (Is(name, "Sender"u8))
        {
            _senderFields++;
            ReadSender("Sender", value);
        }
        else if (Is(name, "Resent-From"u8))
        {
            ReadSenders("Resent-From", value);
        }
        else if (Is(name, "Resent-Sender"u8))
        {
            ReadSender("Resent-Sender", value);
        }
        else if (Is(name, "Date"u8))
        {
            // RFC 6409 §8.2: one that says nothing counts as missing.
            _hasDate |= !isBlank;
            return !isBlank;
        }
        else if (Is(name, "Message-ID"u8))
        {
            _hasMessageId |= !isBlank;
            return !isBlank;
        }
        else
        {
            // RFC 5322 §3.6.3: blind copies stay blind. RFC 5321 §4.4: Return-Path is for the final delivery to write.
            return !Is(name, "Bcc"u8) && !Is(name, "Resent-Bcc"u8) && !Is(name, "Return-Path"u8);
        }

        return true;
    }

    private void ReadSender(string field, ReadOnlySpan<byte> value)
    {
        var before = _senders.Count;
        ReadSenders(field, value);
        if (_fault == HeaderFault.None && _senders.Count != before + 1)
        {
            Fail(HeaderFault.UnclearAddress, field);
        }
    }

    private void ReadSenders(string field, ReadOnlySpan<byte> value)
    {
        var folded = Encoding.UTF8.GetString(value);

        // RFC 5322 §2.2.3: the line break goes, the white space after it stays.
        var text = folded.Replace("\r\n", "", StringComparison.Ordinal);
        if (text.Any(IsControl) || HidesControl(text))
        {
            Fail(HeaderFault.ControlCharacter, field);
        }
        else if (!SenderList.TryRead(folded.Replace("\r\n", "\n", StringComparison.Ordinal), field, _senders))
        {
            Fail(_senders.Count > MaxSenders ? HeaderFault.TooManySenders : HeaderFault.UnclearAddress, field);
        }
    }

    /// <summary>An encoded word with a control character in it: some programs show, or take, what comes before that alone.</summary>
    private static bool HidesControl(string text) =>
        text.Contains("=?", StringComparison.Ordinal) && Rfc2047.DecodeText(Encoding.UTF8.GetBytes(text)).Any(IsControl);

    private static bool IsControl(char c) => c != '\t' && (char.IsControl(c) || c is '\u2028' or '\u2029');

    private void CheckSenders()
    {
        if (_authors == 0 && _fromFields <= 1)
        {
            Fail(HeaderFault.NoFrom, "From");
        }
        else if (_fromFields > 1 || _senderFields > 1)
        {
            Fail(HeaderFault.RepeatedField, _fromFields > 1 ? "From" : "Sender");
        }
        else if (_authors > 1 && _senderFields == 0)
        {
            Fail(HeaderFault.NoSender, "Sender");
        }
    }

    private void AddWhatIsMissing(int fieldsEnd)
    {
        if (_hasDate && _hasMessageId)
        {
            return;
        }

        var writer = new HeaderFieldWriter(256);
        if (_passedOn < fieldsEnd && !_bytes[..fieldsEnd].EndsWith("\r\n"u8))
        {
            // A message that ends within its header.
            writer.Lines("\r\n"u8);
        }

        if (!_hasDate)
        {
            // RFC 6409 §8.2; RFC 5322 §3.3 date-time, in UTC.
            writer.Begin("Date"u8);
            writer.Word([], _terms.Date.UtcDateTime.ToString("ddd, dd MMM yyyy HH:mm:ss", CultureInfo.InvariantCulture), " +0000"u8);
            writer.End();
        }

        if (!_hasMessageId)
        {
            // RFC 6409 §8.3
            writer.Begin("Message-ID"u8);
            writer.Word("<"u8, _terms.MessageId, ">"u8);
            writer.End();
        }

        LeaveOut(fieldsEnd, fieldsEnd);
        _written.Write(writer.Finish());
    }

    /// <summary>A folded line of white space alone ends the header for some programs (RFC 5322 §4.2), so it goes.</summary>
    private void LeaveOutBlankLines(int start, int end)
    {
        for (var at = start; at < end;)
        {
            var length = LineLength(_bytes[at..end]);
            if (IsBlank(_bytes.Slice(at, length)))
            {
                LeaveOut(at, at + length);
            }

            at += length;
        }
    }

    [System.Diagnostics.CodeAnalysis.MemberNotNull(nameof(_written))]
    private void LeaveOut(int start, int end)
    {
        _written ??= new ArrayBufferWriter<byte>(_bytes.Length + 256);
        _written.Write(_bytes[_passedOn..start]);
        _passedOn = end;
    }

    private void Fail(HeaderFault fault, string field)
    {
        if (_fault == HeaderFault.None)
        {
            (_fault, _faultyField) = (fault, field);
        }
    }

    /// <summary>The length of the name that a colon follows at once (RFC 5322 §2.2); 0 where there is none.</summary>
    private static int NameLength(ReadOnlySpan<byte> field)
    {
        var length = field.IndexOf((byte)':');
        return length <= 0 || field[..length].ContainsAnyExceptInRange((byte)'!', (byte)'~') ? 0 : length;
    }

    /// <summary>The length of the first line with its CRLF, or of all where that is missing; -1 where a CR or LF stands alone.</summary>
    private static int LineLength(ReadOnlySpan<byte> lines)
    {
        var end = lines.IndexOfAny((byte)'\r', (byte)'\n');
        return end < 0 ? lines.Length : lines[end..].StartsWith("\r\n"u8) ? end + 2 : -1;
    }

    private static bool IsBlank(ReadOnlySpan<byte> line) => !line.ContainsAnyExcept(" \t\r\n"u8);

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> known) => Ascii.EqualsIgnoreCase(name, known);
}
