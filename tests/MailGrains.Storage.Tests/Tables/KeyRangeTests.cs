using CsCheck;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Tests.Tables;

public sealed class KeyRangeTests
{
    private static readonly Gen<string> GenKey = Gen.Char['a', 'd'].Array[1, 4].Select(c => new string(c));

    [Fact]
    public void APrefixRangeHoldsWhatStartsWithThePrefix() => Gen.Select(GenKey, GenKey).Sample((prefix, key) =>
        Assert.Equal(key.StartsWith(prefix, StringComparison.Ordinal), KeyRange.Prefix(prefix).Contains(key)));

    [Fact]
    public void APrefixRangeEndsAfterTheLastKeyThatStartsWithIt()
    {
        Assert.True(KeyRange.Prefix("j:").Contains("j:" + new string('\uffff', 4)));
        Assert.False(KeyRange.Prefix("j:").Contains("j;"));
        Assert.False(KeyRange.Prefix("j:").Contains("j"));
    }

    [Fact]
    public void AfterAndBetweenAreWhatTheirNamesSay() => Gen.Select(GenKey, GenKey, GenKey).Sample((a, b, key) =>
    {
        var (toA, toB) = (string.CompareOrdinal(key, a), string.CompareOrdinal(key, b));
        Assert.Equal(toA > 0, KeyRange.After(a).Contains(key));
        Assert.Equal(toA > 0 && toB <= 0, KeyRange.After(a, b).Contains(key));
        Assert.Equal(toA >= 0 && toB <= 0, KeyRange.Between(a, b).Contains(key));
        Assert.Equal(toA == 0, KeyRange.Exactly(a).Contains(key));
        Assert.Equal(toA >= 0 && toB < 0, new KeyRange(a, true, b, false).Contains(key));
        Assert.True(KeyRange.All.Contains(key));
    });

    [Fact]
    public void AnEmptyPrefixIsRefused() => Assert.Throws<ArgumentException>(() => KeyRange.Prefix(""));
}
