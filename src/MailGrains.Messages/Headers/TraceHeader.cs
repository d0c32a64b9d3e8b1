using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MailGrains.Messages.Headers;

/// <summary>What a Received field says (RFC 5321 §4.4).</summary>
/// <param name="EhloName">As the client gave it; what is neither domain nor address literal is blanked out.</param>
/// <param name="Client">Null where the client has no address (a test, a local hand-over).</param>
/// <param name="Host">Our own name.</param>
/// <param name="Protocol">A registered word: SMTP, ESMTP, ESMTPS, ESMTPSA, UTF8SMTP, LMTP … (RFC 3848, RFC 6531 §4.3).</param>
/// <param name="Id">The trace id.</param>
/// <param name="Recipient">The forward-path when there is one recipient; null when there are more (RFC 5321 §7.2: they must not learn of each other).</param>
public readonly record struct ReceivedClauses(
    string EhloName, IPAddress? Client, string Host, string Protocol, string Id, string? Recipient, DateTimeOffset At)
{
    /// <summary>The confirmed name of the client's address, or null.</summary>
    public string? ReverseName { get; init; }

    /// <summary>The registered name of the cipher suite (RFC 8314 §4.3), or null without TLS.</summary>
    public string? TlsCipher { get; init; }
}

/// <summary>Builds the trace header fields (RFC 5321 §4.4); whole lines ending in CRLF.</summary>
public static class TraceHeader
{
    private const int MaxEhloChars = 255;

    /// <summary>The Received field that a hop puts first.</summary>
    /// <param name="endsHeader">
    /// The content has no header (<see cref="Summaries.MessageSummary.HeaderLength"/> is 0): an empty line behind the field keeps its text from
    /// being read as one.
    /// </param>
    public static byte[] Received(in ReceivedClauses clauses, bool endsHeader = false)
    {
        var writer = new HeaderFieldWriter(512);
        writer.Begin("Received"u8);
        WriteFrom(ref writer, clauses);
        writer.Break();
        writer.Word("by"u8);
        writer.Word([], clauses.Host, []);
        writer.Word("with"u8);
        writer.Word([], clauses.Protocol, []);
        writer.Word("id"u8);
        var cipher = clauses.TlsCipher;
        writer.Word([], clauses.Id, clauses.Recipient is null && cipher is null ? ";"u8 : []);
        writer.Break();
        if (clauses.Recipient is not null)
        {
            writer.Word("for"u8);
            writer.Word("<"u8, clauses.Recipient, cipher is null ? ">;"u8 : ">"u8);
        }

        if (cipher is not null)
        {
            writer.Word("tls"u8);
            writer.Word([], cipher, ";"u8);
            writer.Break();
        }

        WriteDate(ref writer, clauses.At);
        writer.End();
        if (endsHeader)
        {
            writer.Lines("\r\n"u8);
        }

        return writer.Finish();
    }

    /// <summary>
    /// What a delivery puts before the content: Return-Path, Delivered-To, then the trace.
    /// </summary>
    /// <param name="reversePath">Without angle brackets; empty for the null reverse-path.</param>
    /// <param name="deliveredTo">The address that led to the mailbox.</param>
    /// <param name="trace">Whole lines ending in CRLF: Received and what else the gateway found.</param>
    public static byte[] DeliveryPrefix(string reversePath, string deliveredTo, ReadOnlySpan<byte> trace)
    {
        var writer = new HeaderFieldWriter(256 + trace.Length);
        writer.Begin("Return-Path"u8);
        writer.Word("<"u8, reversePath, ">"u8);
        writer.End();
        writer.Begin("Delivered-To"u8);
        writer.Word([], deliveredTo, []);
        writer.End();
        writer.Lines(trace);
        return writer.Finish();
    }

    private static void WriteFrom(ref HeaderFieldWriter writer, in ReceivedClauses clauses)
    {
        Span<char> name = stackalloc char[MaxEhloChars];
        name = name[..Math.Min(clauses.EhloName.Length, MaxEhloChars)];
        for (var i = 0; i < name.Length; i++)
        {
            var c = clauses.EhloName[i];
            name[i] = char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or ':' or '[' or ']' || (c >= '\u00A0' && !char.IsSurrogate(c)) ? c : '?';
        }

        writer.Word("from"u8);
        writer.Word([], name.IsEmpty ? "unknown" : name, []);
        if (clauses.Client is null)
        {
            return;
        }

        // TCP-info: the address literal (RFC 5321 §4.1.3), an IPv4 address that came in over an IPv6 socket as what it is.
        var address = clauses.Client.IsIPv4MappedToIPv6 ? clauses.Client.MapToIPv4() : clauses.Client;
        Span<char> text = stackalloc char[64];
        address.TryFormat(text, out var length);
        text = text[..length];
        var zone = text.IndexOf('%');
        var open = address.AddressFamily == AddressFamily.InterNetworkV6 ? "[IPv6:"u8 : "["u8;
        if (clauses.ReverseName is { } reverseName)
        {
            writer.Word("("u8, reverseName, []);
            writer.Word(open, zone < 0 ? text : text[..zone], "])"u8);
        }
        else
        {
            writer.Word(open.Length == 1 ? "(["u8 : "([IPv6:"u8, zone < 0 ? text : text[..zone], "])"u8);
        }
    }

    /// <summary>RFC 5322 §3.3 date-time, in UTC.</summary>
    private static void WriteDate(ref HeaderFieldWriter writer, DateTimeOffset at)
    {
        Span<char> date = stackalloc char[40];
        at.UtcDateTime.TryFormat(date, out var length, "ddd, dd MMM yyyy HH:mm:ss", CultureInfo.InvariantCulture);
        writer.Word([], date[..length], " +0000"u8);
    }
}
