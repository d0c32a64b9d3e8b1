using System.Text;
using static MailGrains.Messages.Tests.Summaries.Mail;

namespace MailGrains.Messages.Tests.Summaries;

public sealed class PreviewTests
{
    [Theory]
    [InlineData("Subject: x||Hello,|| this is \t the text.|", "Hello, this is the text.")]
    [InlineData("Subject: x||", "")]
    [InlineData("Subject: x||> quoted|answer|> more|", "answer")]
    [InlineData("Subject: x||> only quoted|> lines|", "> only quoted > lines")]
    [InlineData("Content-Transfer-Encoding: quoted-printable||a=3Db =C3=BC so=|ft|", "a=b ü soft")]
    [InlineData("Content-Transfer-Encoding: base64||w7xiZXIg8J+Ygg==|", "über 😂")]
    [InlineData("Content-Type: text/plain; charset=iso-8859-15|Content-Transfer-Encoding: quoted-printable||=A4 100|", "€ 100")]
    [InlineData("Content-Type: text/plain; charset=windows-1251|Content-Transfer-Encoding: base64||z/Do4uXyIA==|", "Привет")]
    [InlineData("Content-Type: text/plain; charset=gb18030|Content-Transfer-Encoding: base64||xOO6ww==|", "你好")]
    [InlineData("Content-Type: text/plain; charset=iso-2022-jp|Content-Transfer-Encoding: quoted-printable||=1B$B$3$s=1B(B|", "こん")]
    [InlineData("Content-Type: text/plain; charset=no-such-charset||Grüße|", "Grüße")]
    [InlineData("Content-Type: text/plain; charset=utf-7||a+AGI-c|", "a+AGI-c")]
    [InlineData("Content-Type: text/plain; charset=us-ascii||Grüße|", "Grüße")]
    [InlineData("Content-Type: image/png||not text|", "")]
    [InlineData("Content-Disposition: attachment||not the text|", "")]
    public void PlainTextIsDecodedAndCollapsed(string text, string expected) => Assert.Equal(expected, Read(text).Preview);

    [Theory]
    [InlineData("<html><head><title>T</title><style>p { color: red }</style></head><body><p>Hello <b>W</b>orld</p><p>second</p></body>", "Hello World second")]
    [InlineData("a&amp;b &lt;c&gt; &#8364; &#x20ac; &eacute; &unknown; &", "a&b <c> € € é &unknown; &")]
    [InlineData("<!-- <p>no</p> -->yes<script>var a = '<p>';</script>!", "yes!")]
    [InlineData("a < b and c <d>e</d>", "a < b and c e")]
    [InlineData("one<br>two<br/>three<td>four", "one two three four")]
    [InlineData("&nbsp;&zwnj;&#847;&shy; first &zwnj;&nbsp;second", "first second")]
    [InlineData("text <unclosed", "text")]
    [InlineData("<STYLE>x</Style>y", "y")]
    public void HtmlIsReducedToItsText(string html, string expected) => Assert.Equal(expected, Read($"Content-Type: text/html; charset=utf-8||{html}").Preview);

    [Theory]
    [InlineData("--b||plain|--b|Content-Type: text/html||<p>html|--b--|", "plain")]
    [InlineData("--b|Content-Type: text/html||<p>html|--b||plain|--b--|", "plain")]
    [InlineData("--b|| |--b|Content-Type: text/html||<p>html|--b--|", "html")]
    [InlineData("--b|Content-Disposition: attachment||file|--b||plain|--b||other|--b--|", "plain")]
    [InlineData("--b|Content-Type: message/rfc822||Subject: in||inner|--b||plain|--b--|", "plain")]
    [InlineData("--b|Content-Type: message/rfc822||Subject: in||inner|--b--|", "")]
    public void ThePreviewIsOfTheFirstPlainText(string body, string expected) =>
        Assert.Equal(expected, Read($"Content-Type: multipart/mixed; boundary=b||{body}").Preview);

    [Theory]
    [InlineData("a")]
    [InlineData("ü")]
    [InlineData("€")]
    [InlineData("😂")]
    [InlineData("a😂")]
    [InlineData("a ")]
    public void ItEndsAfter256CharactersAndNeverInsideOfOne(string piece)
    {
        foreach (var (encoding, body) in Encoded(string.Concat(Enumerable.Repeat(piece, 10_000))))
        {
            var preview = Read($"Content-Type: text/plain; charset=utf-8|Content-Transfer-Encoding: {encoding}||{body}").Preview;
            Assert.InRange(preview.Length, 254, 256);
            Assert.DoesNotContain('\uFFFD', preview);
            Assert.StartsWith(preview, string.Concat(Enumerable.Repeat(piece, 300)), StringComparison.Ordinal);
        }
    }

    private static IEnumerable<(string Encoding, string Body)> Encoded(string text)
    {
        yield return ("8bit", text);
        yield return ("base64", Convert.ToBase64String(Encoding.UTF8.GetBytes(text), Base64FormattingOptions.InsertLineBreaks));
        yield return ("quoted-printable", string.Concat(Encoding.UTF8.GetBytes(text).Chunk(25).Select(
            line => string.Concat(line.Select(b => $"={b:X2}")) + "=\r\n")));
    }
}
