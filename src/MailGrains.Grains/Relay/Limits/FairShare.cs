namespace MailGrains.Grains.Relay.Limits;

/// <summary>
/// Shares what there is so that nobody has more than it wants, and nobody has less than another who could give it one (max-min). What can't be
/// divided goes to the first ones.
/// </summary>
internal static class FairShare
{
    public static int[] Of(ReadOnlySpan<int> wanted, int capacity)
    {
        var shares = new int[wanted.Length];
        while (capacity > 0)
        {
            var hungry = 0;
            for (var i = 0; i < shares.Length; i++)
            {
                hungry += shares[i] < wanted[i] ? 1 : 0;
            }

            if (hungry == 0)
            {
                break;
            }

            // Less than one for each: the first ones have it.
            var each = Math.Max(1, capacity / hungry);
            for (var i = 0; i < shares.Length && capacity > 0; i++)
            {
                var more = Math.Min(Math.Min(each, wanted[i] - shares[i]), capacity);
                if (more > 0)
                {
                    shares[i] += more;
                    capacity -= more;
                }
            }
        }

        return shares;
    }
}
