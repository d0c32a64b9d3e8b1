using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace MailGrains.Gateways.Acme.Protocol;

/// <summary>A token of HTTP-01 (RFC 8555 §8.3): base64url without padding, of 128 bits or more.</summary>
internal static class ChallengeToken
{
    private const int MinChars = 22;
    private const int MaxChars = 128;

    private static readonly SearchValues<char> Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    public static bool IsGood([NotNullWhen(true)] string? token) =>
        token is { Length: >= MinChars and <= MaxChars } && !token.AsSpan().ContainsAnyExcept(Alphabet);
}
