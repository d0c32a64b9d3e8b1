namespace MailGrains.Fuzzing.Models;

/// <summary>
/// A second, simple reading of what a server said to a client that greets, sends one mail, and asks nothing ahead of it: which recipients may the client
/// call accepted at all?
/// </summary>
internal static class ReplyModel
{
    /// <summary>The codes of all replies, up to the first thing that is none.</summary>
    public static List<int> Codes(string said)
    {
        var codes = new List<int>();
        var first = 0;
        foreach (var line in said.Split('\n')[..^1])
        {
            var text = line.TrimEnd('\r');
            if (text.Length < 3 || text[0] is < '2' or > '5' || !char.IsAsciiDigit(text[1]) || !char.IsAsciiDigit(text[2]) || (text.Length > 3 && text[3] is not (' ' or '-')))
            {
                break;
            }

            var code = int.Parse(text.AsSpan(0, 3), System.Globalization.CultureInfo.InvariantCulture);
            if (first != 0 && code != first)
            {
                break;
            }

            first = code;
            if (text.Length == 3 || text[3] == ' ')
            {
                codes.Add(code);
                first = 0;
            }
        }

        return codes;
    }

    /// <param name="codes">From the reply to MAIL on.</param>
    /// <param name="isChunked">No reply to DATA.</param>
    public static bool[] MayBeAccepted(IReadOnlyList<int> codes, int recipients, bool isChunked)
    {
        var accepted = new bool[recipients];
        var end = 1 + recipients + (isChunked ? 0 : 1);
        if (codes.Count > end && IsGood(codes[0]) && (isChunked || codes[end - 1] is >= 300 and < 400) && IsGood(codes[end]))
        {
            for (var i = 0; i < recipients; i++)
            {
                accepted[i] = IsGood(codes[1 + i]);
            }
        }

        return accepted;
    }

    private static bool IsGood(int code) => code is >= 200 and < 300;
}
