using System.Globalization;
using System.Text;
using MailGrains.Contracts.Text;

namespace MailGrains.Contracts.Tests.Text;

public sealed class UnicodeNormalizationTests
{
    /// <summary>A file in the format of NormalizationTest.txt; the whole one of the Unicode Character Database passes too.</summary>
    private static string SampleFile => Environment.GetEnvironmentVariable("MAILGRAINS_NORMALIZATION_TEST")
        ?? Path.Combine(AppContext.BaseDirectory, "Text", "NormalizationSample.txt");

    [Fact]
    public void ConformanceSampleNormalizesAsUnicodeSays()
    {
        var rows = 0;
        foreach (var line in File.ReadLines(SampleFile))
        {
            if (line.Length == 0 || line[0] is '#' or '@')
            {
                continue;
            }

            rows++;
            var (source, nfc, nfd, nfkc, nfkd) = line.Split(';') is var c ? (Text(c[0]), Text(c[1]), Text(c[2]), Text(c[3]), Text(c[4])) : default;

            // UAX #15, the invariants that NormalizationTest.txt states.
            Assert.All([source, nfc, nfd], form => Assert.True(UnicodeNormalization.ToNfc(form) == nfc, line));
            Assert.All([nfkc, nfkd], form => Assert.True(UnicodeNormalization.ToNfc(form) == nfkc, line));
            Assert.All([source, nfc, nfd, nfkc, nfkd], form => Assert.True(UnicodeNormalization.ToNfkc(form) == nfkc, line));
        }

        Assert.True(rows > 400);

        static string Text(string codePoints) => string.Concat(codePoints.Split(' ').Select(hex =>
            char.ConvertFromUtf32(int.Parse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture))));
    }

    [Fact]
    public void WideAndNarrowFormsBecomeWhatTheyStandFor() => Assert.Equal("Ab1カ", UnicodeNormalization.MapWidth("\uff21b\uff11\uff76"));

    [Fact]
    public void LongRunsOfMarksStayInTheirOrderOfClasses()
    {
        var text = "a" + string.Concat(Enumerable.Repeat("\u0316\u0301", 500));
        var normalized = UnicodeNormalization.ToNfc(text);
        Assert.Equal("á" + new string('\u0316', 500) + new string('\u0301', 499), normalized);
    }
}
