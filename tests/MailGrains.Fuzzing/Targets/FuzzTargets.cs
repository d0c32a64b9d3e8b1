using MailGrains.Fuzzing.Loop;

namespace MailGrains.Fuzzing.Targets;

/// <summary>All targets. Called on the instrumented side, across whose border only types of the framework go.</summary>
public static class FuzzTargets
{
    public static IEnumerable<(string Name, IReadOnlyList<byte[]> Seeds, IReadOnlyList<byte[]> Words, Action<byte[]> Run)> All()
    {
        FuzzTarget[] targets =
        [
            PathTarget.Target, ContentTarget.Target, LineTarget.Target, SaslTarget.Target, ProxyTarget.Target,
            .. MessageTargets.All, .. SmtpTargets.All, .. ClientTargets.All, .. Pop3Targets.All,
        ];
        return targets.Select(target => (target.Name, target.Seeds, target.Words, target.Run));
    }
}
