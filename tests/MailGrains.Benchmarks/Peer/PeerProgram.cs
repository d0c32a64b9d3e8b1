using MailGrains.Testing.Programs;

namespace MailGrains.Benchmarks.Peer;

/// <summary>The programs of the peer, which must be there where it is asked for.</summary>
internal static class PeerProgram
{
    /// <exception cref="ArgumentException">It is not installed.</exception>
    public static string Find(string program) => DebianProgram.Find(program)
        ?? throw new ArgumentException($"'{program}' is missing: install what tests/debian-packages lists.");
}
