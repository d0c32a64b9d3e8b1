namespace MailGrains.Fuzzing.Tests;

/// <summary>
/// A decoder with a defect behind steps that each depend on the one before: the loop must find it, or nothing that it does not find means anything.
/// Chance alone would have to guess six octets and a sum at once.
/// </summary>
public static class PlantedDefect
{
    public static void Run(byte[] input) => Decode(input);

    private static int Decode(ReadOnlySpan<byte> input)
    {
        if (input.Length < 8 || input[0] != 'B')
        {
            return 0;
        }

        if (input[1] != 'D')
        {
            return 1;
        }

        if (input[2] != ' ')
        {
            return 2;
        }

        if (input[3] is < (byte)'5' or > (byte)'7')
        {
            return 3;
        }

        if (input[4] != 0xC3)
        {
            return 4;
        }

        return (input[5] ^ input[6]) == 0x5A ? throw new InvalidOperationException("the planted defect") : 5;
    }
}
