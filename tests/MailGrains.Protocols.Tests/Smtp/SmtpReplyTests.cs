using System.Text;
using CsCheck;
using MailGrains.Protocols.Smtp;

namespace MailGrains.Protocols.Tests.Smtp;

public sealed class SmtpReplyTests
{
    [Fact]
    public void TextNeverBreaksOutOfItsLine() =>
        Gen.Select(Gen.Int[200, 599], Gen.String[Gen.Char, 0, 700].Array[1, 3]).Sample((code, lines) =>
        {
            var wire = Encoding.Latin1.GetString(new SmtpReply(code, new EnhancedCode(1, 5), lines).Wire.Span);
            var sent = wire.Split("\r\n");
            Assert.Equal(lines.Length + 1, sent.Length);
            Assert.Equal("", sent[^1]);
            for (var i = 0; i < lines.Length; i++)
            {
                Assert.StartsWith($"{code}{(i == lines.Length - 1 ? ' ' : '-')}{code / 100}.1.5 ", sent[i], StringComparison.Ordinal);
                Assert.True(sent[i].Length <= SmtpReply.MaxLineBytes - 2);
                Assert.DoesNotContain(sent[i].ToCharArray(), c => c is < ' ' or > '~');
            }
        });

    [Fact]
    public void ReplyWithoutEnhancedCodeHasNone() =>
        Assert.Equal("354 go\r\n", Encoding.ASCII.GetString(new SmtpReply(354, EnhancedCode.None, "go").Wire.Span));
}
