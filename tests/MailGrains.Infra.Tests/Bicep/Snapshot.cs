using System.Text.Json.Nodes;
using MailGrains.Testing.Hosts;

namespace MailGrains.Infra.Tests.Bicep;

/// <summary>
/// What would be deployed for a <c>.bicepparam</c> beside it: the resources, with every expression evaluated that does not need Azure. That it is up to date
/// is held by <see cref="TemplateTests" />.
/// </summary>
public sealed class Snapshot
{
    public const string SubscriptionId = "00000000-0000-0000-0000-000000000000";

    public const string TenantId = "22222222-2222-2222-2222-222222222222";

    public const string Dev = "dev";

    public const string Production = "production";

    /// <summary>Production without local accounts, for some addresses only, through a smart host.</summary>
    public const string Hardened = "hardened";

    private readonly JsonObject _root;

    private Snapshot(JsonObject root) => _root = root;

    public static TheoryData<string> All => [Dev, Production, Hardened];

    public JsonArray Resources => _root["predictedResources"]!.AsArray();

    public JsonObject Outputs => _root["outputs"]!.AsObject();

    public static Snapshot Read(string profile) => new(JsonNode.Parse(File.ReadAllText(
        Path.Combine(Repository.Folder, "tests", "MailGrains.Infra.Tests", "Bicep", $"{profile}.snapshot.json")))!.AsObject());

    /// <summary>What would be deployed for these parameters, such as <c>zones = 'none'</c>.</summary>
    public static async Task<Snapshot> PredictAsync(CancellationToken cancellationToken, params string[] parameters)
    {
        var folder = Directory.CreateTempSubdirectory("mailgrains-bicep-");
        try
        {
            var file = Path.Combine(folder.FullName, "some.bicepparam");
            string[] always = ["environmentName = 'some'", "location = 'westeurope'", $"principalId = '{SubscriptionId}'"];
            var template = Path.GetRelativePath(folder.FullName, Path.Combine(CompiledTemplate.Folder, "main.bicep"));
            await File.WriteAllLinesAsync(file, [$"using '{template}'", .. always.Concat(parameters).Select(parameter => $"param {parameter}")], cancellationToken);
            var answer = await BicepProgram.RunAsync(
                cancellationToken, "snapshot", file, "--mode", "overwrite", "--subscription-id", SubscriptionId, "--tenant-id", TenantId, "--location", "westeurope");
            Assert.True(answer.ExitCode == 0, answer.Output + answer.Diagnostics);
            return new(JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder.FullName, "some.snapshot.json"), cancellationToken))!.AsObject());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    public IReadOnlyList<JsonObject> OfType(string type) => [.. Resources.Select(r => r!.AsObject()).Where(r => r.Text("type") == type)];
}

/// <summary>Reads and writes members by their path, such as <c>properties.sku.name</c>.</summary>
internal static class JsonPaths
{
    public static JsonNode? At(this JsonNode node, string path) =>
        path.Split('.').Aggregate((JsonNode?)node, (at, name) => at is JsonObject member ? member[name] : null);

    /// <summary>As text, whatever it is; null: it is not there.</summary>
    public static string? Text(this JsonNode node, string path) => node.At(path)?.ToString();

    public static IReadOnlyList<string> List(this JsonNode node, string path) => node.At(path) is JsonArray items ? [.. items.Select(i => i!.ToString())] : [];

    public static void Set(this JsonNode node, string path, JsonNode? value)
    {
        var names = path.Split('.');
        var owner = names[..^1].Aggregate(node.AsObject(), (at, name) => at[name]!.AsObject());
        owner[names[^1]] = value;
    }
}
