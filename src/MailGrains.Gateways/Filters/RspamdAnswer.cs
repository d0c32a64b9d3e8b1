using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailGrains.Messages.Headers;

namespace MailGrains.Gateways.Filters;

/// <summary>What rspamd answers to <c>/checkv2</c>, as far as it is used here.</summary>
internal sealed record RspamdAnswer
{
    private const int MaxFields = 16;
    private const int MaxFieldChars = 2048;

    [JsonPropertyName("action")]
    public string? Action { get; init; }

    [JsonPropertyName("score")]
    public double? Score { get; init; }

    [JsonPropertyName("milter")]
    public RspamdMilter? Milter { get; init; }

    /// <summary>Actions by name (rspamd's documentation, "Actions"); one that is not known here says nothing.</summary>
    public FilterVerdict ToVerdict(string filter)
    {
        FilterAction? action = Action switch
        {
            "no action" => FilterAction.Accept,
            "add header" or "rewrite subject" or "quarantine" => FilterAction.Junk,
            "greylist" or "soft reject" => FilterAction.Defer,
            "reject" or "discard" => FilterAction.Reject,
            _ => null,
        };
        return action is { } known
            ? new FilterVerdict(known, filter, FilterVerdict.Token(Action!)) { Score = Score, Fields = Fields() }
            : FilterVerdict.Failure(filter, "unknown-action");
    }

    private ImmutableArray<FilterField> Fields()
    {
        var fields = ImmutableArray.CreateBuilder<FilterField>();
        if (Score is { } score)
        {
            fields.Add(new FilterField("X-Spam-Score", HeaderText.Of(score.ToString("0.00", CultureInfo.InvariantCulture))));
        }

        // A value is a string, an object with one, or a list of these.
        foreach (var (name, given) in Milter?.AddHeaders ?? [])
        {
            if (!MayAdd(name))
            {
                continue;
            }

            foreach (var value in given.ValueKind == JsonValueKind.Array ? given.EnumerateArray() : Enumerable.Repeat(given, 1))
            {
                if (fields.Count < MaxFields && TextOf(value) is { } text)
                {
                    fields.Add(new FilterField(name, HeaderText.Of(text.Length > MaxFieldChars ? text[..MaxFieldChars] : text)));
                }
            }
        }

        return fields.ToImmutable();
    }

    /// <summary>
    /// Fields that say something about the message. What says something for it (From, Subject, Received, MIME's) is not a filter's to add, and what
    /// we write ourselves must be ours.
    /// </summary>
    private static bool MayAdd(string name) =>
        name.Length <= HeaderFieldWriter.FoldAt
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
        && (name.StartsWith("X-", StringComparison.OrdinalIgnoreCase) || name.StartsWith("ARC-", StringComparison.OrdinalIgnoreCase)
            || name.Equals("Authentication-Results", StringComparison.OrdinalIgnoreCase))
        && !name.StartsWith("X-MailGrains-", StringComparison.OrdinalIgnoreCase)
        && !name.Equals("X-Spam-Flag", StringComparison.OrdinalIgnoreCase)
        && !name.Equals("X-Spam-Score", StringComparison.OrdinalIgnoreCase)
        && !name.Equals("X-Virus-Status", StringComparison.OrdinalIgnoreCase);

    private static string? TextOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Object when value.TryGetProperty("value", out var inner) && inner.ValueKind == JsonValueKind.String => inner.GetString(),
        _ => null,
    };
}

internal sealed record RspamdMilter
{
    [JsonPropertyName("add_headers")]
    public Dictionary<string, JsonElement>? AddHeaders { get; init; }
}

[JsonSerializable(typeof(RspamdAnswer))]
internal sealed partial class RspamdJson : JsonSerializerContext;
