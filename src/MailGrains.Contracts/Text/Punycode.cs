using System.Text;

namespace MailGrains.Contracts.Text;

/// <summary>The Punycode encoding of a domain label (RFC 3492).</summary>
internal static class Punycode
{
    // RFC 3492 §5.
    private const int Base = 36, TMin = 1, TMax = 26, Skew = 38, Damp = 700, InitialBias = 72, InitialN = 128;

    /// <summary>Encodes a label of at most 63 characters that has non-ASCII ones (RFC 3492 §6.3); without the prefix <c>xn--</c>.</summary>
    public static string Encode(string label)
    {
        var input = label.EnumerateRunes().Select(rune => rune.Value).ToArray();
        var output = new StringBuilder(label.Length * 2);
        foreach (var c in label.Where(char.IsAscii))
        {
            output.Append(c);
        }

        var (basic, handled) = (output.Length, output.Length);
        if (basic > 0)
        {
            output.Append('-');
        }

        var (n, delta, bias) = (InitialN, 0, InitialBias);
        while (handled < input.Length)
        {
            // 63 characters and code points below 0x110000 keep delta far from overflow.
            var next = input.Where(codePoint => codePoint >= n).Min();
            delta += (next - n) * (handled + 1);
            n = next;
            foreach (var codePoint in input)
            {
                if (codePoint < n)
                {
                    delta++;
                }
                else if (codePoint == n)
                {
                    WriteInteger(output, delta, bias);
                    bias = Adapt(delta, handled + 1, handled == basic);
                    delta = 0;
                    handled++;
                }
            }

            delta++;
            n++;
        }

        return output.ToString();
    }

    private static void WriteInteger(StringBuilder output, int value, int bias)
    {
        for (var k = Base; ; k += Base)
        {
            var threshold = Math.Clamp(k - bias, TMin, TMax);
            if (value < threshold)
            {
                output.Append(Digit(value));
                return;
            }

            output.Append(Digit(threshold + (value - threshold) % (Base - threshold)));
            value = (value - threshold) / (Base - threshold);
        }
    }

    /// <summary>Bias adaptation, RFC 3492 §6.1.</summary>
    private static int Adapt(int delta, int points, bool first)
    {
        delta = first ? delta / Damp : delta / 2;
        delta += delta / points;
        var k = 0;
        for (; delta > (Base - TMin) * TMax / 2; k += Base)
        {
            delta /= Base - TMin;
        }

        return k + (Base - TMin + 1) * delta / (delta + Skew);
    }

    private static char Digit(int value) => (char)(value < 26 ? 'a' + value : '0' + value - 26);
}
