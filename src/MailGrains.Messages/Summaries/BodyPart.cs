using System.Collections.Immutable;

namespace MailGrains.Messages.Summaries;

/// <summary>
/// A part of the body structure (RFC 9051 §7.5.2 BODYSTRUCTURE). Offsets count octets of the content as received, from its first octet; the
/// part's MIME header, blank line included, is <c>[HeaderOffset, BodyOffset)</c> and its body, as encoded, <c>[BodyOffset, BodyOffset + BodyLength)</c>.
/// The parts of a multipart lie in its body, in order; a message/rfc822 has one part, the root of the message that it carries, and an
/// <see cref="Envelope"/>: a message that is encoded or that could not be read has neither.
/// </summary>
public sealed record BodyPart
{
    /// <summary>Lower case, as all tokens here.</summary>
    public required string Type { get; init; }

    public required string Subtype { get; init; }

    /// <summary>Decoded (RFC 2231); names in lower case.</summary>
    public ImmutableArray<BodyParameter> Parameters { get; init; } = [];

    /// <summary>Content-ID with its angle brackets (RFC 2045 §7).</summary>
    public string? Id { get; init; }

    /// <summary>Content-Description, not decoded.</summary>
    public string? Description { get; init; }

    /// <summary>Content-Transfer-Encoding; 7bit when there is none (RFC 2045 §6.1).</summary>
    public string Encoding { get; init; } = "7bit";

    /// <summary>RFC 1864.</summary>
    public string? Md5 { get; init; }

    /// <summary>RFC 2183; null when there is none.</summary>
    public string? Disposition { get; init; }

    public ImmutableArray<BodyParameter> DispositionParameters { get; init; } = [];

    /// <summary>RFC 3282.</summary>
    public ImmutableArray<string> Languages { get; init; } = [];

    /// <summary>RFC 2557.</summary>
    public string? Location { get; init; }

    public long HeaderOffset { get; init; }

    public long BodyOffset { get; init; }

    public long BodyLength { get; init; }

    /// <summary>Lines of the body as encoded; an unfinished last one counts.</summary>
    public long Lines { get; init; }

    public ImmutableArray<BodyPart> Parts { get; init; } = [];

    /// <summary>Of the message that a message/rfc822 carries.</summary>
    public Envelope? Envelope { get; init; }

    public bool IsMultipart => Type == "multipart";

    /// <summary>The name to save it by (RFC 2183 §2.3, else RFC 2046's older parameter), or null; a hint of the sender, not a safe path.</summary>
    public string? FileName => Find(DispositionParameters, "filename") ?? Find(Parameters, "name");

    public string? Charset => Find(Parameters, "charset");

    private static string? Find(ImmutableArray<BodyParameter> parameters, string name)
    {
        foreach (var parameter in parameters)
        {
            if (parameter.Name == name)
            {
                return parameter.Value;
            }
        }

        return null;
    }
}

/// <param name="Name">In lower case.</param>
public readonly record struct BodyParameter(string Name, string Value);
