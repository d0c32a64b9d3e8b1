namespace MailGrains.Infra.Tests.Bicep;

/// <summary>
/// The deployment against a security and reliability baseline. Rules are named after those of PSRule for Azure that they stand for; PSRule itself runs where
/// PowerShell does.
/// </summary>
public sealed class PolicyTests
{
    public static TheoryData<string, string> Rules => [.. PolicyRules.All.SelectMany(rule => rule.Profiles.Select(profile => (rule.Name, profile)))];

    [Theory]
    [MemberData(nameof(Rules))]
    public void Holds(string rule, string profile)
    {
        Assert.Empty(Find(rule).Violations(Snapshot.Read(profile)));
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Is_seen_to_be_broken(string rule, string profile)
    {
        var snapshot = Snapshot.Read(profile);
        Find(rule).Break(snapshot);

        Assert.NotEmpty(Find(rule).Violations(snapshot));
    }

    [Fact]
    public void Each_rule_has_a_name_of_its_own()
    {
        Assert.Distinct(PolicyRules.All.Select(rule => rule.Name));
    }

    private static PolicyRule Find(string name) => PolicyRules.All.Single(rule => rule.Name == name);
}
