using MailGrains.Contracts.Text;

namespace MailGrains.Contracts.Tests.Text;

public sealed class LogTextTests
{
    [Theory]
    [InlineData("ann@example.org", "ann@example.org")]
    [InlineData("jürgen@例え.test", "jürgen@例え.test")]
    [InlineData("a\r\nfake: line", "a\\u000D\\u000Afake: line")]
    [InlineData("a\u001b[2J", "a\\u001B[2J")]
    [InlineData("a\u0085b\u2028c", "a\\u0085b\\u2028c")]
    [InlineData("a\u202Egro.live", "a\\u202Egro.live")]
    [InlineData("a\\u000Ab", "a\\\\u000Ab")]
    public void WhatCouldBreakALogIsEscaped(string text, string written) => Assert.Equal(written, new LogText(text).ToString());

    [Fact]
    public void LoneSurrogatesAndLongTextsDoNotGetThrough()
    {
        Assert.Equal("a\\uFFFD", string.Concat(new LogText("a\uD800").ToString().Replace("\uFFFD", "\\uFFFD", StringComparison.Ordinal)));
        Assert.Equal(LogText.MaxChars + 1, new LogText(new string('x', 10_000)).ToString().Length);
    }
}
