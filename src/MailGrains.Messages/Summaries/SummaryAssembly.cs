namespace MailGrains.Messages.Summaries;

/// <summary>Turns what a parse has found, whole or broken off, into the summary.</summary>
internal static class SummaryAssembly
{
    /// <param name="parse">Its content is read to the end.</param>
    /// <param name="failure">Why the parse was broken off, or null.</param>
    public static MessageSummary Of(SummaryParse parse, Exception? failure)
    {
        var size = parse.Content.BytesRead;
        var headers = parse.MessageHeaders;
        var root = failure is null && parse.Root is { } part && IsSound(part, 0, size) ? part : null;
        var body = root ?? Opaque(parse, size, failure);
        return new MessageSummary
        {
            Envelope = headers?.Envelope ?? Envelope.Empty,
            References = headers?.References ?? [],
            SentAt = headers?.SentAt,
            ReceivedCount = headers?.ReceivedCount ?? 0,
            TlsIsOptional = headers?.TlsIsOptional ?? false,
            HasAttachment = root is not null && HasAttachment(root, null, 0),
            Preview = parse.Preview.Text(),
            Body = body,
            IsOpaque = root is null && size > 0,
            Size = size,
        };
    }

    private static BodyPart Opaque(SummaryParse parse, long size, Exception? failure)
    {
        if (parse.MessageHeaderLength is null && failure is not SummaryLimitException)
        {
            // The first line is no header field: there is no header, all of it is text (as RFC 822's readers have always taken it).
            return new BodyPart { Type = "text", Subtype = "plain", BodyLength = size, Lines = parse.Content.LineBreaks };
        }

        var offset = Math.Min(parse.MessageHeaderLength ?? parse.Content.FirstEmptyLineEnd ?? size, size);
        return new BodyPart { Type = "application", Subtype = "octet-stream", Encoding = "binary", BodyOffset = offset, BodyLength = size - offset };
    }

    /// <summary>Offsets are inside of <paramref name="from"/> and <paramref name="to"/>, in order: readers slice the stored bytes by them.</summary>
    private static bool IsSound(BodyPart part, long from, long to)
    {
        var end = part.BodyOffset + part.BodyLength;
        if (part.HeaderOffset < from || part.BodyOffset < part.HeaderOffset || part.BodyLength < 0 || end > to)
        {
            return false;
        }

        var previous = part.BodyOffset;
        foreach (var child in part.Parts)
        {
            if (!IsSound(child, previous, end))
            {
                return false;
            }

            previous = child.BodyOffset + child.BodyLength;
        }

        return true;
    }

    /// <summary>RFC 8621 §4.1.4, as a reader sees it: neither the text nor what belongs to it (images of HTML, alternatives, signatures).</summary>
    private static bool HasAttachment(BodyPart part, BodyPart? parent, int index)
    {
        if (part.IsMultipart)
        {
            for (var i = 0; i < part.Parts.Length; i++)
            {
                if (HasAttachment(part.Parts[i], part, i))
                {
                    return true;
                }
            }

            return false;
        }

        return part.Disposition switch
        {
            "attachment" => true,
            "inline" => false,
            _ => parent?.Subtype switch
            {
                "alternative" => false,
                "related" => index > 0 && part.Id is null,
                "signed" when index == 1 => false, // RFC 1847 §2.1: the signature
                "encrypted" when index == 0 => false, // RFC 1847 §2.2: control information
                "report" when index is 1 or 2 => false, // RFC 6522 §3: for machines; the message in question
                _ => part.FileName is not null || !(part.Type == "text" && part.Subtype is "plain" or "html"),
            },
        };
    }
}
