using System.Collections.Immutable;
using System.Globalization;
using MailGrains.Messages.Headers;

namespace MailGrains.Gateways.Filters;

/// <summary>What is to be done with a message; the higher is the worse.</summary>
public enum FilterAction
{
    Accept = 0,

    /// <summary>Kept, in the folder for unwanted mail.</summary>
    Junk = 1,

    /// <summary>Refused for now: 451 4.7.1.</summary>
    Defer = 2,

    /// <summary>Refused for good: 550 5.7.1.</summary>
    Reject = 3,
}

/// <summary>A header field that a filter wants the message to have.</summary>
public readonly record struct FilterField(string Name, HeaderText Value);

/// <summary>What one filter says of one message.</summary>
/// <param name="Filter">The filter's name, a short word of ours.</param>
/// <param name="Reason">A word (<see cref="Token"/>): fit for a reply, a header field and a log.</param>
public sealed record FilterVerdict(FilterAction Action, string Filter, string Reason)
{
    private const int MaxTokenChars = 64;

    public double? Score { get; init; }

    public ImmutableArray<FilterField> Fields { get; init; } = [];

    /// <summary>The filter could not tell; the action is then its policy's.</summary>
    public bool Failed { get; init; }

    /// <summary>The filter could not tell.</summary>
    public static FilterVerdict Failure(string filter, string reason) => new(FilterAction.Accept, filter, reason) { Failed = true };

    /// <summary>One word of letters, digits and <c>._-/</c>, whatever the text was.</summary>
    public static string Token(string text)
    {
        var token = text.Length > MaxTokenChars ? text[..MaxTokenChars] : text;
        return token.Length == 0 ? "-" : string.Create(token.Length, token, static (word, source) =>
        {
            for (var i = 0; i < source.Length; i++)
            {
                word[i] = char.IsAsciiLetterOrDigit(source[i]) || source[i] is '.' or '_' or '/' ? source[i] : '-';
            }
        });
    }

    /// <summary>Such as <c>rspamd=junk (add-header, 7.00)</c>.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Filter}={WordOf(Action)} ({(Failed ? "failed: " : "")}{Reason}{(Score is { } score ? $", {score:0.00}" : "")})");

    internal static string WordOf(FilterAction action) => action switch
    {
        FilterAction.Accept => "accept",
        FilterAction.Junk => "junk",
        FilterAction.Defer => "defer",
        _ => "reject",
    };
}
