using System.Buffers;
using System.Text;
using CsCheck;
using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Pop3;

public sealed class DotStufferTests
{
    private static readonly Gen<string[]> Pieces = Gen.Char["\r\n.ab"].Array[0, 12].Select(chars => new string(chars)).Array[0, 6];

    [Fact]
    public void EveryDotAtTheStartOfALineIsDoubledHoweverTheMessageIsSplit() => Pieces.Sample(pieces =>
    {
        var message = string.Concat(pieces);
        var lines = message.EndsWith("\r\n", StringComparison.Ordinal) || message.Length == 0 ? message : message + "\r\n";
        var expected = ("\r\n" + lines).Replace("\r\n.", "\r\n..", StringComparison.Ordinal)[2..] + ".\r\n";
        Assert.Equal(expected, Stuff(pieces));
    });

    [Fact]
    public void WhatWasStuffedIsWhatTheContentDecoderTakesOut() => Pieces.Sample(pieces =>
    {
        var message = string.Concat(pieces).Replace("\r", "", StringComparison.Ordinal).Replace("\n", "\r\n", StringComparison.Ordinal) + "\r\n";
        var decoder = new ContentDecoder(1_000, 1_000);
        var stuffed = Encoding.Latin1.GetBytes(Stuff([message]));
        var decoded = new StringBuilder();
        for (ReadOnlySpan<byte> rest = stuffed; !rest.IsEmpty;)
        {
            decoded.Append(Encoding.Latin1.GetString(decoder.Decode(rest, out var consumed, out _)));
            rest = rest[consumed..];
        }

        Assert.True(decoder.IsAtEnd);
        Assert.Null(decoder.Failure);
        Assert.Equal(message, decoded.ToString());
    });

    [Theory]
    [InlineData("a: b\r\n\r\n1\r\n2\r\n3\r\n", 0, "a: b\r\n\r\n")]
    [InlineData("a: b\r\n\r\n1\r\n2\r\n3\r\n", 2, "a: b\r\n\r\n1\r\n2\r\n")]
    [InlineData("a: b\r\n\r\n1\r\n2\r\n3\r\n", 9, "a: b\r\n\r\n1\r\n2\r\n3\r\n")]
    [InlineData("\r\n\r\n1\r\n", 1, "\r\n\r\n")]
    [InlineData("a: b\r\nno body", 5, "a: b\r\nno body")]
    public void TopEndsAfterSoManyLinesOfTheBodyHoweverTheMessageIsSplit(string message, int lines, string expected)
    {
        for (var at = 0; at <= message.Length; at++)
        {
            var cutter = new TopCutter(lines);
            var head = cutter.Take(Encoding.Latin1.GetBytes(message[..at]));
            var tail = cutter.IsDone ? 0 : cutter.Take(Encoding.Latin1.GetBytes(message[at..]));
            Assert.Equal(expected, message[..at][..head] + message[at..][..tail]);
        }
    }

    private static string Stuff(string[] pieces)
    {
        var output = new ArrayBufferWriter<byte>();
        var stuffer = new DotStuffer();
        foreach (var piece in pieces)
        {
            stuffer.Write(Encoding.Latin1.GetBytes(piece), output);
        }

        stuffer.Finish(output);
        return Encoding.Latin1.GetString(output.WrittenSpan);
    }
}
