using System.Text;
using CsCheck;
using MailGrains.Contracts.Directory;

namespace MailGrains.Contracts.Tests.Directory;

public sealed class AddressNameTests
{
    /// <summary>Text of what breaks keys: letters in many forms, separators of stores and URLs, marks, lone surrogates, controls.</summary>
    private static readonly Gen<string> OddText = Gen.OneOf<string>(
            Gen.OneOf(
                "a", "Z", "7", ".", "-", "+", "@", "\"", "\\", "/", "#", "?", "%2F", " ", "'", "=", "\0", "\r\n", "é", "e\u0301", "É", "ß", "ẞ", "İ",
                "Σ", "ς", "\u212a", "\u0345", "ﬁ", "\uff21", "\u3002", "日本", "👩\u200d💻", "\ud800", "\udc00", "\u202e", "\u2028", "가", "\u1100\u1161"),
            Gen.Char.Select(c => c.ToString()))
        .Array[0, 12].Select(string.Concat);

    [Theory]
    [InlineData("alice@example.test", "alice@example.test")]
    [InlineData("Alice.B@EXAMPLE.Test.", "alice.b@example.test")]
    [InlineData("BÜCHER@BÜCHER.example", "bücher@xn--bcher-kva.example")]
    [InlineData("bu\u0308cher@bu\u0308cher.example", "bücher@xn--bcher-kva.example")]
    [InlineData("x@straße.example", "x@xn--strae-oqa.example")]
    [InlineData("x@\uff25xample.test", "x@example.test")]
    [InlineData("x@例え\u3002テスト", "x@xn--r8jz45g.xn--zckzah")]
    [InlineData("x@ΒΌΛΟΣ.example", "x@xn--nxasmq6b.example")]
    [InlineData("x@I❤.example", "x@xn--i-7iq.example")]
    [InlineData("\"john doe\"@example.test", "john doe@example.test")]
    [InlineData("\"a\\\"b@c\"@example.test", "a\"b@c@example.test")]
    [InlineData("\"\\\"x\"@example.test", "\"\\\"x\"@example.test")]
    [InlineData("a/b\\c#d?e'f=g@example.test", "a/b\\c#d?e'f=g@example.test")]
    [InlineData("👩\u200d💻@example.test", "👩\u200d💻@example.test")]
    public void AnAddressHasOneForm(string text, string form)
    {
        Assert.True(AddressName.TryParse(text, out var address));
        Assert.Equal(form, address.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("@")]
    [InlineData("alice")]
    [InlineData("alice@")]
    [InlineData("@example.test")]
    [InlineData("alice@exa mple.test")]
    [InlineData("alice@example..test")]
    [InlineData("alice@example.test..")]
    [InlineData("alice@-example.test")]
    [InlineData("alice@example-.test")]
    [InlineData("alice@exam_ple.test")]
    [InlineData("alice@[127.0.0.1]")]
    [InlineData("alice@[IPv6:::1]")]
    [InlineData("alice@a/b")]
    [InlineData("alice@\u0301a.test")]
    [InlineData("alice@xn--é.test")]
    [InlineData("alice@exa\u200dmple.test")]
    [InlineData("al\nice@example.test")]
    [InlineData("al\u2028ice@example.test")]
    [InlineData("al\u0378ice@example.test")]
    [InlineData("\"@example.test")]
    [InlineData("\"\"@example.test")]
    [InlineData("\"a\"b@example.test")]
    [InlineData("\"a\\\"@example.test")]
    public void WhatIsNoAddressIsRefused(string text) => Assert.False(AddressName.TryParse(text, out _));

    [Fact]
    public void ALoneSurrogateIsRefused()
    {
        Assert.False(AddressName.TryParse("al\ud800ice@example.test", out _));
        Assert.False(AddressName.TryParse("alice@exa\udc00mple.test", out _));
    }

    [Fact]
    public void LimitsAreCountedInOctetsOfTheForm()
    {
        var label = new string('a', 63);
        var longest = $"{label}.{label}.{label}.{label[..61]}";
        Assert.True(AddressName.TryNormalizeDomain(longest, out _));
        Assert.False(AddressName.TryNormalizeDomain(longest + "a", out _));
        Assert.False(AddressName.TryNormalizeDomain(label + "a", out _));
        Assert.True(AddressName.TryNormalize(new string('a', 64), "b", out _));
        Assert.False(AddressName.TryNormalize(new string('a', 65), "b", out _));
        Assert.True(AddressName.TryNormalize(string.Concat(Enumerable.Repeat("e\u0301", 32)), "b", out _));
        Assert.False(AddressName.TryNormalize(new string('é', 33), "b", out _));
        Assert.False(AddressName.TryNormalizeDomain(new string('é', 60), out _));
        Assert.False(AddressName.TryNormalize(new string('é', 100_000), new string('é', 100_000), out _));
    }

    [Fact]
    public void TheFormOfAFormIsItself() => Gen.Select(OddText, OddText).Sample((localpart, domain) =>
    {
        if (AddressName.TryNormalize(localpart, domain + "a", out var address))
        {
            Assert.True(AddressName.TryParse(address.ToString(), out var again), address.ToString());
            Assert.Equal(address, again);
            Assert.True(AddressName.TryNormalize(address.Localpart, address.Domain, out again));
            Assert.Equal(address, again);
            Assert.InRange(Encoding.UTF8.GetByteCount(address.Localpart), 1, 64);
        }
    }, iter: 20_000);

    [Fact]
    public void AnyTextIsParsedOrRefused() => OddText.Sample(text => AddressName.TryParse(text, out _) || true, iter: 20_000);

    [Fact]
    public void EveryCharacterKeepsItsForm()
    {
        for (var codePoint = 0; codePoint < 0x110000; codePoint++)
        {
            if (codePoint is >= 0xD800 and < 0xE000)
            {
                continue;
            }

            // Beside letters and marks that it may compose with.
            if (AddressName.TryNormalize($"a{char.ConvertFromUtf32(codePoint)}\u0345\u0301\u0307", "b", out var address) &&
                (!AddressName.TryNormalize(address.Localpart, "b", out var again) || again != address))
            {
                Assert.Fail($"U+{codePoint:X4}");
            }
        }
    }

    [Theory]
    [InlineData("acme", "acme")]
    [InlineData("ACME-2", "acme-2")]
    [InlineData("0", "0")]
    [InlineData("-", null)]
    [InlineData("-a", null)]
    [InlineData("", null)]
    [InlineData("a/b", null)]
    [InlineData("a.b", null)]
    [InlineData("é", null)]
    [InlineData("\u212aelvin", null)]
    public void TenantsNamesAreLettersDigitsAndHyphens(string text, string? name)
    {
        Assert.Equal(name is not null, TenantName.TryNormalize(text, out var normalized));
        Assert.Equal(name, normalized);
        Assert.False(TenantName.TryNormalize(new string('a', 64), out _));
        Assert.False(TenantName.TryNormalize(AccountKey.OfNobody(new AddressName("a", "b")).Split('/')[0], out _));
    }

    [Fact]
    public void APasswordStaysOutOfText() =>
        Assert.DoesNotContain("top-secret", new MailboxSettings("top-secret", 5).ToString(), StringComparison.Ordinal);
}
