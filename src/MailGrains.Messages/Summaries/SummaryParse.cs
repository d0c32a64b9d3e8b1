using System.Collections.Immutable;
using MimeKit;

namespace MailGrains.Messages.Summaries;

/// <summary>
/// A pass of MimeKit's event parser over a content, building the tree of parts. One message at a time; <see cref="Reset"/> before each. A limit
/// that is met leaves as <see cref="SummaryLimitException"/>; what was learned until then stays readable.
/// </summary>
internal sealed class SummaryParse : MimeReader
{
    private readonly SummaryLimits _limits;
    private readonly Stack<OpenPart> _open = new();
    private PartHeaders _headers = new();
    private long _headersEnd;
    private long _keptBytes;
    private int _parts;

    public SummaryParse(SummaryLimits limits)
        : base(OptionsOf(limits), Stream.Null, MimeFormat.Entity)
    {
        _limits = limits;
        Content = new BoundedContent(limits);
    }

    public BoundedContent Content { get; }

    /// <summary>The message's own header fields, as far as they were read.</summary>
    public PartHeaders? MessageHeaders { get; private set; }

    /// <summary>Octets of the message's own header; null while its end was not met.</summary>
    public long? MessageHeaderLength { get; private set; }

    /// <summary>The root part; null while it is not finished.</summary>
    public BodyPart? Root { get; private set; }

    public PreviewSource Preview { get; } = new();

    /// <param name="source">To be read by <see cref="MimeReader.ReadMessageAsync"/>; null: <paramref name="memory"/> is the content.</param>
    public void Reset(Stream? source, ReadOnlyMemory<byte> memory)
    {
        Content.Reset(source, memory);
        SetStream(Content, MimeFormat.Entity);
        _open.Clear();
        _keptBytes = 0;
        _parts = 0;
        MessageHeaders = null;
        MessageHeaderLength = null;
        Root = null;
        Preview.Reset();
    }

    protected override void OnHeadersBegin(long beginOffset, int beginLineNumber, CancellationToken cancellationToken)
    {
        Content.HeaderBlock = beginOffset;
        _headers = new PartHeaders();
        MessageHeaders ??= _headers;
    }

    protected override void OnHeaderRead(Header header, int beginLineNumber, CancellationToken cancellationToken)
    {
        if (header.Id == HeaderId.Unknown)
        {
            return;
        }

        var value = header.RawValue.AsSpan();
        if (header.Id is HeaderId.ContentType or HeaderId.ContentDisposition)
        {
            // Checked before anything reads the parameters.
            if (value.Count((byte)';') > _limits.MaxParameters)
            {
                throw new SummaryLimitException("parameters");
            }
        }

        if (_headers.Add(header) && (_keptBytes += value.Length) > _limits.MaxSummaryBytes)
        {
            throw new SummaryLimitException("summary");
        }
    }

    protected override void OnHeadersEnd(long beginOffset, int beginLineNumber, long endOffset, int endLineNumber, CancellationToken cancellationToken)
    {
        Content.HeaderBlock = null;
        _headersEnd = endOffset;
        MessageHeaderLength ??= endOffset;
        if (endOffset - beginOffset > _limits.MaxHeaderBytes)
        {
            throw new SummaryLimitException("header");
        }
    }

    protected override void OnMimePartBegin(ContentType contentType, long beginOffset, int beginLineNumber, CancellationToken cancellationToken)
    {
        Open(contentType, beginOffset);
        var part = _open.Peek();
        part.InPreview = !part.InMessage && Preview.Begin(contentType, part.Headers);
    }

    protected override void OnMimePartContentRead(byte[] content, int startIndex, int count, CancellationToken cancellationToken)
    {
        if (_open.Peek().InPreview)
        {
            Preview.Append(content.AsSpan(startIndex, count));
        }
    }

    protected override void OnMimePartContentEnd(
        long beginOffset, int beginLineNumber, long endOffset, int lines, NewLineFormat? newLineFormat, CancellationToken cancellationToken)
    {
        var part = _open.Peek();
        part.BodyOffset = beginOffset;
        part.BodyEnd = endOffset;
    }

    protected override void OnMimePartEnd(
        ContentType contentType, long beginOffset, int beginLineNumber, long headersEndOffset, long endOffset, int lines, CancellationToken cancellationToken) =>
        Close(_open.Peek().BodyEnd, lines);

    protected override void OnMultipartBegin(ContentType contentType, long beginOffset, int beginLineNumber, CancellationToken cancellationToken) =>
        Open(contentType, beginOffset);

    protected override void OnMultipartEnd(
        ContentType contentType, long beginOffset, int beginLineNumber, long headersEndOffset, long endOffset, int lines, CancellationToken cancellationToken) =>
        Close(endOffset, lines);

    protected override void OnMessagePartBegin(ContentType contentType, long beginOffset, int beginLineNumber, CancellationToken cancellationToken) =>
        Open(contentType, beginOffset);

    protected override void OnMessagePartEnd(
        ContentType contentType, long beginOffset, int beginLineNumber, long headersEndOffset, long endOffset, int lines, CancellationToken cancellationToken) =>
        Close(endOffset, lines);

    private static ParserOptions OptionsOf(SummaryLimits limits) => new()
    {
        RespectContentLength = false,
        MaxMimeDepth = limits.MaxDepth + 1,
    };

    private void Open(ContentType type, long headerOffset)
    {
        Content.CheckTime();
        if (++_parts > _limits.MaxParts || _open.Count >= _limits.MaxDepth)
        {
            throw new SummaryLimitException("parts");
        }

        var inMessage = false;
        if (_open.TryPeek(out var parent))
        {
            parent.Carried ??= _headers;
            inMessage = parent.InMessage || parent.CarriesMessage;
        }

        _open.Push(new OpenPart(type, _headers, headerOffset, _headersEnd) { InMessage = inMessage });
    }

    private void Close(long bodyEnd, long lines)
    {
        var open = _open.Pop();
        // Where one boundary follows the other, the parser ends the part between them before it began.
        var part = open.Close(Math.Max(open.BodyOffset, bodyEnd), Math.Max(0, lines));
        if (_open.TryPeek(out var parent))
        {
            (parent.Parts ??= []).Add(part);
        }
        else
        {
            Root = part;
        }
    }

    /// <summary>A part whose end has not come yet.</summary>
    private sealed class OpenPart(ContentType type, PartHeaders headers, long headerOffset, long bodyOffset)
    {
        public PartHeaders Headers => headers;

        public long BodyOffset { get; set; } = bodyOffset;

        public long BodyEnd { get; set; } = bodyOffset;

        public List<BodyPart>? Parts { get; set; }

        /// <summary>The header of the first thing inside: the carried message's, where this carries one.</summary>
        public PartHeaders? Carried { get; set; }

        /// <summary>The part is inside of a message that the message carries.</summary>
        public bool InMessage { get; init; }

        public bool InPreview { get; set; }

        // MimeKit reads some more types as messages (text/rfc822-headers, message/news); IMAP lists the inside of these only.
        public bool CarriesMessage => type.IsMimeType("message", "rfc822") || type.IsMimeType("message", "global");

        public BodyPart Close(long bodyEnd, long lines)
        {
            var showsParts = type.IsMimeType("multipart", "*") || CarriesMessage;
            return new BodyPart
            {
                Type = Token(type.MediaType),
                Subtype = Token(type.MediaSubtype),
                Parameters = ParametersOf(type.Parameters),
                Id = headers.Id,
                Description = headers.Description,
                Encoding = headers.Encoding,
                Md5 = headers.Md5,
                Disposition = headers.Disposition is { } disposition ? Token(disposition.Disposition) : null,
                DispositionParameters = headers.Disposition is { } d ? ParametersOf(d.Parameters) : [],
                Languages = headers.Languages,
                Location = headers.Location,
                HeaderOffset = headerOffset,
                BodyOffset = BodyOffset,
                BodyLength = bodyEnd - BodyOffset,
                Lines = lines,
                Parts = showsParts && Parts is not null ? [.. Parts] : [],
                Envelope = CarriesMessage ? Carried?.Envelope : null,
            };
        }

        private static string Token(string token) => token.ToLowerInvariant();

        private static ImmutableArray<BodyParameter> ParametersOf(ParameterList parameters)
        {
            if (parameters.Count == 0)
            {
                return [];
            }

            var list = ImmutableArray.CreateBuilder<BodyParameter>(parameters.Count);
            foreach (var parameter in parameters)
            {
                list.Add(new BodyParameter(Token(parameter.Name), parameter.Value ?? ""));
            }

            return list.MoveToImmutable();
        }
    }
}
