using CsCheck;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Tests.Tables;

public sealed class TableKeyTests
{
    /// <summary>Any UTF-16, well-formed: characters of every plane.</summary>
    private static readonly Gen<string> GenText = Gen.OneOf(
            Gen.Char[' ', '~'].Select(c => (int)c), Gen.Int[0, 0xD7FF], Gen.Int[0xE000, 0xFFFF], Gen.Int[0x10000, 0x10FFFF])
        .Array[0, 40].Select(codes => string.Concat(codes.Select(char.ConvertFromUtf32)));

    [Theory]
    [InlineData("", "")]
    [InlineData("alice@example.test", "alice@example.test")]
    [InlineData("a-b_c.d+e:f,g h", "a-b_c.d+e:f,g h")]
    [InlineData("a/b\\c#d?e", "a=2Fb=5Cc=23d=3Fe")]
    [InlineData("=", "=3D")]
    [InlineData("\u007f\u0085\r\n\0", "=7F=C2=85=0D=0A=00")]
    [InlineData("é☃𝄞", "=C3=A9=E2=98=83=F0=9D=84=9E")]
    public void TextIsEncodedByteForByte(string text, string key)
    {
        Assert.Equal(key, TableKey.Encode(text));
        Assert.True(TableKey.TryDecode(key, out var decoded));
        Assert.Equal(text, decoded);
    }

    [Fact]
    public void AnyTextComesBackAndItsKeyIsOneThatEveryStoreTakes() => GenText.Sample(text =>
    {
        var key = TableKey.Encode(text);
        Assert.True(TableKey.TryDecode(key, out var decoded));
        Assert.Equal(text, decoded);
        Assert.True(key.Length == 0 || TableLimits.KeyViolation(key) is null);
        Assert.All(key, c => Assert.InRange(c, ' ', '~'));
    });

    [Fact]
    public void DifferentTextsHaveDifferentKeys() => Gen.Select(GenText, GenText).Sample((a, b) =>
        Assert.Equal(a == b, TableKey.Encode(a) == TableKey.Encode(b)));

    [Fact]
    public void WhateverIsDecodedIsWhatIsEncodedAgain() => Gen.Char[' ', '\u00ff'].Array[0, 12].Sample(chars =>
    {
        var key = new string(chars);
        Assert.True(!TableKey.TryDecode(key, out var text) || TableKey.Encode(text) == key);
    });

    [Theory]
    [InlineData("=41")]
    [InlineData("=3d")]
    [InlineData("=3")]
    [InlineData("=")]
    [InlineData("a=")]
    [InlineData("=G0")]
    [InlineData("=FF")]
    [InlineData("=C3")]
    [InlineData("=ED=A0=80")]
    [InlineData("=C0=AF")]
    [InlineData("/")]
    [InlineData("é")]
    public void WhatNoTextEncodesToIsNotDecoded(string key) => Assert.False(TableKey.TryDecode(key, out _));

    [Fact]
    public void ALoneSurrogateIsRefused()
    {
        // Not as theory data: an attribute's text is kept as UTF-8.
        foreach (var text in (string[])["\uD800", "a\uDC00b", "\uDC00\uD800"])
        {
            Assert.Throws<ArgumentException>(() => TableKey.Encode(text));
        }
    }

    [Fact]
    public void AKeyThatGetsTooLongIsRefused()
    {
        Assert.Equal(512, TableKey.Encode(new string('a', 512)).Length);
        Assert.Throws<ArgumentException>(() => TableKey.Encode(new string('a', 513)));
        Assert.Equal(510, TableKey.Encode(new string('/', 170)).Length);
        Assert.Throws<ArgumentException>(() => TableKey.Encode(new string('/', 171)));
    }
}
