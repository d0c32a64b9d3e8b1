using System.Text;
using CsCheck;
using MailGrains.Grains.Relay.Destinations.Sts;

namespace MailGrains.Grains.Tests.Relay.Destinations;

public sealed class StsPolicyTests
{
    private const string Good = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n";

    [Theory]
    [InlineData(Good)]
    [InlineData("mx:\tmail.example.com \nmax_age:604800\nmx:*.EXAMPLE.net\nmode:enforce\nversion:STSv1\n\n \nmx:backupmx.example.com.")]
    [InlineData("version: STSv1\nversion: STSv2\nmode: enforce\nmode: none\nmax_age: 604800\nmax_age: 1\nx-other.field: é:ü\n" +
        "mx: mail.example.com\nmx: *.example.net\nmx: backupmx.example.com")]
    public void APolicyIsReadInAnyOrderAndLineEnding(string text)
    {
        var policy = Parse(text);

        Assert.Equal((StsMode.Enforce, TimeSpan.FromDays(7)), (policy.Mode, policy.MaxAge));
        Assert.Equal(["mail.example.com", "*.example.net", "backupmx.example.com"], policy.Mx);
    }

    [Theory]
    [InlineData("")]
    [InlineData("version: STSv2\nmode: none\nmax_age: 1")]
    [InlineData("mode: none\nmax_age: 1")]
    [InlineData("version: STSv1\nmax_age: 1")]
    [InlineData("version: STSv1\nmode: Enforce\nmx: a.test\nmax_age: 1")]
    [InlineData("version: STSv1\nmode: enforce\nmax_age: 1")]
    [InlineData("version: STSv1\nmode: testing\nmax_age: 1")]
    [InlineData("version: STSv1\nmode: none")]
    [InlineData("version: STSv1\nmode: none\nmax_age: -1")]
    [InlineData("version: STSv1\nmode: none\nmax_age: 1.5")]
    [InlineData("version: STSv1\nmode: none\nmax_age: 99999999999")]
    [InlineData("version: STSv1\nmode: none\nmax_age:")]
    [InlineData("version: STSv1\nmode: none\nmax_age: 1\nno field")]
    [InlineData("version: STSv1\nmode: none\nmax_age: 1\n: no name")]
    [InlineData("version: STSv1\nmode: none\nmax_age: 1\nbad name: x")]
    [InlineData("version: STSv1\nmode: enforce\nmax_age: 1\nmx: *.*.test")]
    [InlineData("version: STSv1\nmode: enforce\nmax_age: 1\nmx: mail.*.test")]
    [InlineData("version: STSv1\nmode: enforce\nmax_age: 1\nmx: *")]
    [InlineData("version: STSv1\nmode: enforce\nmax_age: 1\nmx: bücher.test")]
    [InlineData("version: STSv1\nmode: enforce\nmax_age: 1\nmx:")]
    public void WhatIsNoPolicyIsRefused(string text)
    {
        Assert.False(StsPolicy.TryParse(Encoding.UTF8.GetBytes(text), out var policy, out var fault));
        Assert.Null(policy);
        Assert.NotEmpty(fault);
    }

    [Fact]
    public void NoMoreThanAYearIsBelieved()
    {
        Assert.Equal(TimeSpan.FromSeconds(31_557_600), Parse("version: STSv1\nmode: none\nmax_age: 9999999999").MaxAge);
    }

    [Fact]
    public void ThereIsABoundOfNames()
    {
        var names = string.Concat(Enumerable.Range(0, 65).Select(i => $"mx: mx{i}.test\n"));

        Assert.False(StsPolicy.TryParse(Encoding.ASCII.GetBytes($"version: STSv1\nmode: enforce\nmax_age: 1\n{names}"), out _, out _));
    }

    [Theory]
    [InlineData("mail.example.com", true)]
    [InlineData("MAIL.example.COM", true)]
    [InlineData("a.example.net", true)]
    [InlineData("a.b.example.net", false)]
    [InlineData("example.net", false)]
    [InlineData(".example.net", false)]
    [InlineData("xexample.net", false)]
    [InlineData("a.example.net.evil.test", false)]
    [InlineData("mail.example.com.evil.test", false)]
    [InlineData("x.mail.example.com", false)]
    public void AWildcardStandsForOneLabel(string host, bool isNamed)
    {
        Assert.Equal(isNamed, Parse(Good).Names(host));
    }

    [Fact]
    public void WhatIsWrittenIsReadAgain()
    {
        var label = Gen.String[Gen.Char["abcdefghij0123456789"], 1, 12];
        var name = Gen.Select(label, label, Gen.Bool, (one, two, wildcard) => $"{(wildcard ? "*." : "")}{one}.{two}.test");
        var policies = Gen.Select(
            Gen.Enum<StsMode>(), name.Array[1, 64], Gen.Int[0, 31_557_600], (mode, mx, age) => new StsPolicy(mode, [.. mx], TimeSpan.FromSeconds(age)));

        policies.Sample(policy =>
        {
            var read = Parse(string.Join("\r\n", policy.Lines));
            return (read.Mode, read.MaxAge) == (policy.Mode, policy.MaxAge) && read.Mx.SequenceEqual(policy.Mx);
        });
    }

    [Fact]
    public void NothingMakesItThrow()
    {
        // Pieces of policies and of anything, so that more than the first line is looked at.
        string[] pieces = [Good, "version: STSv1\n", "mode: enforce\n", "mode:", "mx: ", "*.", "max_age: ", "604800", "\r\n", "\n", ":", ".test", "\0", "é"];
        var piece = Gen.OneOf(
            Gen.Int[0, pieces.Length - 1].Select(i => pieces[i]),
            Gen.Byte.Array[0, 20].Select(Encoding.Latin1.GetString));

        piece.Array[0, 30].Sample(chosen =>
        {
            var bytes = Encoding.Latin1.GetBytes(string.Concat(chosen));
            var isPolicy = StsPolicy.TryParse(bytes, out var policy, out var fault);

            // What it takes holds what its readers count on.
            return isPolicy
                ? fault is null && policy!.Mx.Length <= 64 && (policy.Mode == StsMode.None || policy.Mx.Length > 0) &&
                    policy.MaxAge >= TimeSpan.Zero && policy.Lines.All(line => line.All(c => c is >= ' ' and <= '~'))
                : policy is null && fault is not null;
        });
    }

    private static StsPolicy Parse(string text) => StsPolicy.TryParse(Encoding.UTF8.GetBytes(text), out var policy, out var fault) ? policy : throw new FormatException(fault);
}
