using System.Collections.Immutable;
using MimeKit;
using MimeKit.Utils;

namespace MailGrains.Messages.Summaries;

/// <summary>
/// Collects what a summary keeps of one header block: a message's, a part's, or both in one. Of fields that a header must have once, the first
/// counts (RFC 5322 §3.6).
/// </summary>
internal sealed class PartHeaders
{
    private const int MaxTextBytes = 4 * 1024;
    private const int MaxListBytes = 64 * 1024;
    private const int MaxReferences = 20;
    private const int MaxLanguages = 50;

    private string? _date;
    private string? _subject;
    private string? _inReplyTo;
    private string? _messageId;
    private string? _references;
    private string? _language;
    private ImmutableArray<MailAddress> _from = [];
    private ImmutableArray<MailAddress> _sender = [];
    private ImmutableArray<MailAddress> _replyTo = [];
    private ImmutableArray<MailAddress> _to = [];
    private ImmutableArray<MailAddress> _cc = [];
    private ImmutableArray<MailAddress> _bcc = [];

    public DateTimeOffset? SentAt { get; private set; }

    public int ReceivedCount { get; private set; }

    /// <summary>TLS-Required: No (RFC 8689 §3).</summary>
    public bool TlsIsOptional { get; private set; }

    public string? Id { get; private set; }

    public string? Description { get; private set; }

    public string Encoding { get; private set; } = "7bit";

    public string? Md5 { get; private set; }

    public string? Location { get; private set; }

    public ImmutableArray<string> Languages => _language is null
        ? []
        : [.. _language.Split(',', MaxLanguages, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];

    public ContentDisposition? Disposition { get; private set; }

    public Envelope Envelope => new(_date, _subject, _from, _sender, _replyTo, _to, _cc, _bcc, _inReplyTo, _messageId);

    public ImmutableArray<string> References
    {
        get
        {
            var ids = HeaderValue.MessageIds(_references).ToImmutableArray();
            return ids.Length <= MaxReferences ? ids : [ids[0], .. ids[^(MaxReferences - 1)..]];
        }
    }

    /// <summary>False: the field is none that a summary keeps.</summary>
    public bool Add(Header header)
    {
        var value = header.RawValue;
        switch (header.Id)
        {
            case HeaderId.Date when _date is null:
                _date = Text(value);
                SentAt = DateUtils.TryParse(value, out var date) ? date : null;
                return true;
            case HeaderId.Subject:
                _subject ??= Text(value);
                return true;
            case HeaderId.From:
                return Add(ref _from, value);
            case HeaderId.Sender:
                return Add(ref _sender, value);
            case HeaderId.ReplyTo:
                return Add(ref _replyTo, value);
            case HeaderId.To:
                return Add(ref _to, value);
            case HeaderId.Cc:
                return Add(ref _cc, value);
            case HeaderId.Bcc:
                return Add(ref _bcc, value);
            case HeaderId.InReplyTo:
                _inReplyTo ??= Text(value);
                return true;
            case HeaderId.MessageId:
                _messageId ??= Text(value);
                return true;
            case HeaderId.References:
                _references ??= HeaderValue.Unfold(value, MaxListBytes);
                return true;
            case HeaderId.Received:
                ReceivedCount++;
                return false;
            case HeaderId.TLSRequired:
                TlsIsOptional = Text(value).Equals("No", StringComparison.OrdinalIgnoreCase);
                return false;
            default:
                return AddOfPart(header.Id, value);
        }
    }

    private bool AddOfPart(HeaderId id, byte[] value)
    {
        switch (id)
        {
            case HeaderId.ContentType:
                return true; // the parser reads it
            case HeaderId.ContentTransferEncoding:
                Encoding = Text(value).ToLowerInvariant();
                return true;
            case HeaderId.ContentDisposition when Disposition is null:
                Disposition = ContentDisposition.TryParse(value, out var disposition) ? disposition : null;
                return true;
            case HeaderId.ContentId:
                Id ??= Text(value);
                return true;
            case HeaderId.ContentDescription:
                Description ??= Text(value);
                return true;
            case HeaderId.ContentMd5:
                Md5 ??= Text(value);
                return true;
            case HeaderId.ContentLanguage:
                _language ??= Text(value);
                return true;
            case HeaderId.ContentLocation:
                Location ??= Text(value);
                return true;
            default:
                return false;
        }
    }

    private static string Text(byte[] value) => HeaderValue.Unfold(value, MaxTextBytes);

    // Several To or Cc fields break RFC 5322, and do occur: their addresses are one list.
    private static bool Add(ref ImmutableArray<MailAddress> addresses, byte[] value)
    {
        if (addresses.Length < AddressList.MaxAddresses)
        {
            var more = AddressList.Parse(HeaderValue.Unfold(value, MaxListBytes));
            addresses = addresses.IsEmpty ? more : addresses.AddRange(more);
        }

        return true;
    }
}
