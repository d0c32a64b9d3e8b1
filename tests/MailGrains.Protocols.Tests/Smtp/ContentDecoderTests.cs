using System.Text;
using CsCheck;
using MailGrains.Protocols.Smtp;

namespace MailGrains.Protocols.Tests.Smtp;

public sealed class ContentDecoderTests
{
    private const int MaxLineBytes = 6;
    private const int MaxHeaderBytes = 12;

    [Fact]
    public void AgreesWithThePlainReadingOfTheRulesHoweverItIsSplit()
    {
        var noise = Gen.Char["\r\n.ab\0"].Array[0, 24].Select(chars => new string(chars));
        var lines = Gen.OneOf("a", "..", ".b", "", ".", "bbbbbb", "bbbbbbb").Array[0, 6].Select(parts => string.Join("\r\n", parts) + "\r\n.\r\n");
        Gen.OneOf(noise, lines).Select(Gen.Int[1, 9]).Sample((content, pieceBytes) =>
        {
            var (expected, expectedFault, expectedEnd) = Read(content);
            var (decoded, fault, end) = Decode(content, pieceBytes);
            Assert.Equal(expectedEnd, end);
            Assert.Equal(expectedFault, fault is not null);
            if (!expectedFault)
            {
                Assert.StartsWith(decoded, expected, StringComparison.Ordinal);
                Assert.True(expectedEnd < 0 || decoded == expected, $"{decoded} is not {expected}");
            }
        }, iter: 50_000, print: pair => $"{System.Text.Json.JsonSerializer.Serialize(pair.Item1)} by {pair.Item2}");
    }

    /// <summary>The rules on the whole text at once: content, whether something is wrong with it, where the end is (-1: not there).</summary>
    private static (string Content, bool Fault, int End) Read(string text)
    {
        var at = text.StartsWith(".\r\n", StringComparison.Ordinal) ? 0 : text.IndexOf("\r\n.\r\n", StringComparison.Ordinal);
        var end = at < 0 ? -1 : text.StartsWith(".\r\n", StringComparison.Ordinal) ? 3 : at + 5;
        var stuffed = end < 0 ? text : text[..(end - 3)];

        // Without an end a CR that is the last octet may still become a CRLF.
        var open = end < 0 && stuffed.EndsWith('\r') ? stuffed[..^1] : stuffed;
        var bare = open.Replace("\r\n", "", StringComparison.Ordinal);
        var content = ("\r\n" + stuffed).Replace("\r\n.", "\r\n", StringComparison.Ordinal)[2..];
        var lines = content.Split("\r\n");
        var header = 0;
        var headerFault = false;
        for (var i = 0; i < lines.Length - 1 && lines[i].Length > 0; i++)
        {
            header += lines[i].Length + 2;
            headerFault |= header > MaxHeaderBytes;
        }

        var fault = bare.AsSpan().IndexOfAny('\r', '\n', '\0') >= 0 || headerFault || lines.Any(line => line.TrimEnd('\r').Length > MaxLineBytes);
        return (content, fault, end);
    }

    private static (string Content, SmtpContentFailure? Failure, int End) Decode(string text, int pieceBytes)
    {
        var octets = Encoding.Latin1.GetBytes(text);
        var decoder = new ContentDecoder(MaxLineBytes, MaxHeaderBytes);
        var content = new StringBuilder();
        var taken = 0;
        while (taken < octets.Length && !decoder.IsAtEnd)
        {
            var piece = octets.AsSpan(taken, Math.Min(pieceBytes, octets.Length - taken));
            while (!piece.IsEmpty && !decoder.IsAtEnd)
            {
                var run = decoder.Decode(piece, out var consumed, out _);
                content.Append(Encoding.Latin1.GetString(run));
                Assert.InRange(consumed, 1, piece.Length);
                piece = piece[consumed..];
                taken += consumed;
            }
        }

        return (content.ToString(), decoder.Failure, decoder.IsAtEnd ? taken : -1);
    }
}
