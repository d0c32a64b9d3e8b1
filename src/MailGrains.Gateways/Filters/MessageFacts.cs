using System.Net;

namespace MailGrains.Gateways.Filters;

/// <summary>What a filter may know of a message that has been received whole and of which nothing has been promised yet.</summary>
/// <param name="ReversePath">Without angle brackets; empty for the null reverse-path.</param>
/// <param name="Recipients">The forward-paths as given, without angle brackets.</param>
public sealed record MessageFacts(
    string TraceId, IPAddress Peer, string EhloName, string ReversePath, IReadOnlyList<string> Recipients, FilteredContent Content)
{
    /// <summary>Who submitted it; null where nobody had logged in.</summary>
    public string? Login { get; init; }

    /// <summary>The confirmed name of the peer's address, or null.</summary>
    public string? ReverseName { get; init; }

    /// <summary>Such as <c>TLS1.3</c>; null where it came in clear.</summary>
    public string? TlsVersion { get; init; }
}

/// <summary>The content as received, and the trace that goes before it.</summary>
/// <param name="Trace">Our Received field, whole lines.</param>
/// <param name="Length">Of the content, in octets.</param>
/// <param name="OpenAsync">Opens the content; each reader has a stream of its own, at its own pace.</param>
public sealed record FilteredContent(ReadOnlyMemory<byte> Trace, long Length, Func<CancellationToken, ValueTask<Stream>> OpenAsync);
