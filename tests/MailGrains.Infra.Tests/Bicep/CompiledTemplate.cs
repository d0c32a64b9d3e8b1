using System.Text.Json.Nodes;
using MailGrains.Testing.Hosts;

[assembly: AssemblyFixture(typeof(MailGrains.Infra.Tests.Bicep.CompiledTemplate))]

namespace MailGrains.Infra.Tests.Bicep;

/// <summary>What the compiler makes of <c>infra/main.bicep</c>, once for all tests.</summary>
public sealed class CompiledTemplate : IAsyncLifetime
{
    /// <summary>Where the templates are.</summary>
    public static string Folder { get; } = Path.Combine(Repository.Folder, "infra");

    internal BicepAnswer Answer { get; private set; } = null!;

    public JsonObject Template { get; private set; } = null!;

    public IReadOnlyDictionary<string, JsonNode> Parameters => Members("parameters");

    public IReadOnlyDictionary<string, JsonNode> Outputs => Members("outputs");

    public async ValueTask InitializeAsync()
    {
        Answer = await BicepProgram.RunAsync(CancellationToken.None, "build", Path.Combine(Folder, "main.bicep"), "--stdout");
        Template = Answer.ExitCode == 0 ? JsonNode.Parse(Answer.Output)!.AsObject() : [];
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Dictionary<string, JsonNode> Members(string name) => Template[name]!.AsObject().ToDictionary(member => member.Key, member => member.Value!);
}
