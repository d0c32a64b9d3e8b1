using MailGrains.Contracts.Text;

namespace MailGrains.Gateways.Acme.Protocol;

/// <summary>The certificate authority said no, or said nothing that can be understood. The message is for operators: on one line, bounded, without secrets.</summary>
internal sealed class AcmeException : Exception
{
    public const string RateLimited = "rateLimited";
    public const string BadNonce = "badNonce";
    public const string AccountDoesNotExist = "accountDoesNotExist";

    /// <summary>Not of the authority's: it could not be reached, or its answer not be read.</summary>
    public const string NoAnswer = "noAnswer";

    /// <summary>The authority's, without a reason that is a problem document.</summary>
    public const string Refused = "refused";

    private const string Namespace = "urn:ietf:params:acme:error:";
    private const int MaxParts = 4;

    public AcmeException(string kind, string message, TimeSpan? retryAfter = null, Exception? inner = null)
        : base(new LogText(message).ToString(), inner) => (Kind, RetryAfter) = (kind, retryAfter);

    /// <summary>The last part of the problem's type (RFC 8555 §6.7), or <see cref="NoAnswer"/>.</summary>
    public string Kind { get; }

    /// <summary>The only name that it is about; null: all of the order, or several.</summary>
    public string? Identifier { get; init; }

    /// <summary>When the authority wants to hear of it again, from now; null: it did not say.</summary>
    public TimeSpan? RetryAfter { get; }

    public static AcmeException Of(AcmeProblem? problem, string what, TimeSpan? retryAfter = null) => problem is null
        ? new AcmeException(NoAnswer, $"{what}: no reason was given", retryAfter)
        : new AcmeException(KindOf(problem), $"{what}: {TextOf(problem)}", retryAfter) { Identifier = IdentifierOf(problem) };

    // RFC 8555 §6.7.1
    private static string? IdentifierOf(AcmeProblem problem) => problem.Identifier?.Value
        ?? (problem.Subproblems?.Select(part => part.Identifier?.Value).Distinct().ToList() is [{ } only] ? only : null);

    private static string KindOf(AcmeProblem problem) =>
        problem.Type is { } type ? type.StartsWith(Namespace, StringComparison.Ordinal) ? type[Namespace.Length..] : type : NoAnswer;

    private static string TextOf(AcmeProblem problem)
    {
        var name = problem.Identifier is { } identifier ? $"{identifier.Value}: " : "";
        var own = $"{name}{problem.Detail ?? "no detail"} ({KindOf(problem)})";
        return problem.Subproblems is { Count: > 0 } parts ? $"{own} [{string.Join("; ", parts.Take(MaxParts).Select(TextOf))}]" : own;
    }
}
